/** The hooks of a container's specification that are run on the host, and when (config.md, "POSIX-platform Hooks"). */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Hook } from '@kata-containers/common/oci/spec';
import type { Bundle } from '../bundle/load-bundle.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { runHooks } from '../processes/run-hooks.ts';
import type { HookState } from '../processes/run-hooks.ts';
import type { Context, Tools } from '../context/context.ts';
import { traceStep } from '../context/trace-step.ts';

interface Hooked {
  readonly id: string;
  readonly bundle: Bundle;
}

const stateFor = ({ id, bundle: { path, spec } }: Hooked, status: string, pid: number): HookState => ({
  ...{ ociVersion: spec.ociVersion, id, status, pid, bundle: path },
  ...(spec.annotations && { annotations: spec.annotations }),
});

/** Those that are run before there is a VM. */
const earlyHooks = ({ spec: { hooks = {} } }: Bundle): readonly Hook[] => [...(hooks.prestart ?? []), ...(hooks.createRuntime ?? [])];

/**
 * `prestart` and `createRuntime`. Docker up to 27 puts the container's interface into the namespace by one, which finds it through
 * /proc/PID/ns/net: PID is ours, so the main thread waits inside. @throws KataError
 */
export async function runPrestartHooks(context: Context, netns: string, container: Hooked): Promise<void> {
  const { createContainer = [], startContainer = [] } = container.bundle.spec.hooks ?? {};
  if (createContainer.length + startContainer.length > 0)
    context.log.warn('hooks of the kinds createContainer and startContainer are not run: what they look for is in the guest');
  const early = earlyHooks(container.bundle);
  if (early.length === 0) return;
  const state = stateFor(container, 'creating', process.pid);
  await traceStep(context.log, 'early hooks', () => inNetworkNamespace(netns, context.kernel, () => runHooks(early, state)));
}

/** `poststart`. `pid`: the shim's. @throws KataError (1.x too) */
export async function runPoststartHooks({ kernel }: Context, netns: string, container: Hooked, pid: number): Promise<void> {
  const hooks = container.bundle.spec.hooks?.poststart ?? [];
  if (hooks.length > 0) await inNetworkNamespace(netns, kernel, () => runHooks(hooks, stateFor(container, 'running', pid)));
}

/** `poststop`. One that fails is a warning, and the others have their turn. */
export async function runPoststopHooks({ log }: Pick<Tools, 'log'>, container: Hooked): Promise<void> {
  for (const hook of container.bundle.spec.hooks?.poststop ?? [])
    await runHooks([hook], stateFor(container, 'stopped', 0)).catch((error: unknown) =>
      log.warn('a poststop hook failed', { reason: errorMessage(error) }),
    );
}

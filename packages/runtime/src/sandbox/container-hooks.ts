/** The hooks of a container's specification that are run on the host, and when (config.md, "POSIX-platform Hooks"). */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Hook } from '@kata-containers/common/oci/spec';
import type { Bundle } from '../bundle/load-bundle.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { runHooks } from '../processes/run-hooks.ts';
import type { HookState } from '../processes/run-hooks.ts';
import { startNamespaceHolder } from '../processes/namespace-holder.ts';
import type { Context, Tools } from '../context/context.ts';

interface Hooked {
  readonly id: string;
  readonly bundle: Bundle;
}

const stateFor = ({ id, bundle: { path, spec } }: Hooked, status: string, pid: number): HookState => ({
  ...{ ociVersion: spec.ociVersion, id, status, pid, bundle: path },
  ...(spec.annotations && { annotations: spec.annotations }),
});

/** Hooks that run before the container exists. */
export const earlyHooks = ({ spec: { hooks = {} } }: Bundle): readonly Hook[] => [
  ...(hooks.prestart ?? []),
  ...(hooks.createRuntime ?? []),
];

/** Docker's own hook, which only adds links to the network namespace (libnetwork, sandbox_externalkey_unix.go). */
export const isDockersHook = ({ args = [] }: Hook): boolean => args[0] === 'libnetwork-setkey';

/** Runs hooks and, when the first has started, `beside`. */
async function runBeside(hooks: readonly Hook[], container: Hooked, beside: () => void): Promise<void> {
  const holder = startNamespaceHolder();
  const running = runHooks(hooks, stateFor(container, 'creating', holder?.pid ?? process.pid));
  if (holder) beside();
  await running.finally(() => holder?.end());
}

/**
 * `prestart` and `createRuntime`. The prestart hook of docker up to 27 adds the container's interface to the network namespace of the
 * process in the hook's state, /proc/PID/ns/net. PID is the runtime, so the main thread of the runtime enters the namespace. `beside` may
 * be called there when the first hook has started. It may start QEMU, for which the main thread enters other namespaces: PID is a process
 * of its own then. @throws KataError
 */
export async function runPrestartHooks(context: Context, netns: string, container: Hooked, beside?: () => void): Promise<void> {
  const { createContainer = [], startContainer = [] } = container.bundle.spec.hooks ?? {};
  if (createContainer.length + startContainer.length > 0)
    context.log.warn('createContainer and startContainer hooks are not run: their namespaces are in the guest');
  const early = earlyHooks(container.bundle);
  if (early.length === 0) return;
  const run = (): Promise<void> =>
    beside ? runBeside(early, container, beside) : runHooks(early, stateFor(container, 'creating', process.pid));
  await context.trace.step('prestart hooks', () => inNetworkNamespace(netns, context.kernel, run));
}

/** Up to version 1.1 of the specification a poststart hook that fails is a warning, from 1.2 on an error (runtime.md, "Lifecycle"). */
function endsAtPoststart({ spec: { ociVersion } }: Bundle): boolean {
  const [major = 0, minor = 0] = ociVersion.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 2);
}

/** Runs each hook, and logs failures. */
async function runOrWarn({ log }: Pick<Tools, 'log'>, hooks: readonly Hook[], kind: string, state: HookState): Promise<void> {
  for (const hook of hooks)
    await runHooks([hook], state).catch((error: unknown) => log.warn(`a ${kind} hook failed`, { reason: errorMessage(error) }));
}

/** Runs the poststart hooks. `pid`: pid of the shim. @throws KataError when the container must be removed */
export async function runPoststartHooks(context: Context, netns: string, container: Hooked, pid: number): Promise<void> {
  const hooks = container.bundle.spec.hooks?.poststart ?? [];
  if (hooks.length === 0) return;
  const state = stateFor(container, 'running', pid);
  await inNetworkNamespace(netns, context.kernel, () =>
    endsAtPoststart(container.bundle) ? runHooks(hooks, state) : runOrWarn(context, hooks, 'poststart', state),
  );
}

/** `poststop`. */
export const runPoststopHooks = (tools: Pick<Tools, 'log'>, container: Hooked): Promise<void> =>
  runOrWarn(tools, container.bundle.spec.hooks?.poststop ?? [], 'poststop', stateFor(container, 'stopped', 0));

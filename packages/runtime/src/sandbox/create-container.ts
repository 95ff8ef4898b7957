/** `create`: creates a container in a new sandbox, in the sandbox of its pod, or in the sandbox of the container whose network it shares. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { ContainerExistsError, StateError } from '@kata-containers/common/errors/kata-error';
import { timestamp } from '@kata-containers/common/logging/log-record';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { containerRole } from '../bundle/container-role.ts';
import type { ContainerRole } from '../bundle/container-role.ts';
import { ignoredOptions } from '../bundle/ignored-options.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import type { Context } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import { beginShim } from '../processes/begin-shim.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';
import { limitsOf } from '../sizing/limits-plan.ts';
import { isFirstContainer, sandboxName } from '../state/sandbox-name.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';
import { PERSIST_VERSION } from '../state/state.ts';
import type { SandboxState } from '../state/state.ts';
import { findSandbox, isHandedOver, loadContainer, loadSandbox, registerContainer } from '../state/state-store.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { connectGuest } from '../vm/connect-guest.ts';
import { makeCgroupFor } from '../vm/container-cgroup.ts';
import { runPrestartHooks } from './container-hooks.ts';
import { keepTraceFor } from './continue-trace.ts';
import { createInGuest } from './create-in-guest.ts';
import type { CreateRequest } from './create-request.ts';
import { createSandbox } from './create-sandbox.ts';
import { explainFullRun } from './explain-full-run.ts';
import { explainOomKill } from './explain-oom-kill.ts';
import { findNetworkOwner } from './find-network-owner.ts';
import { limitBlockIo, limitWhole } from './host-limits.ts';
import { joinSandbox } from './join-sandbox.ts';
import { removeContainer } from './remove-container.ts';
import { reserveContainer } from './reserve-container.ts';
import { resizeSandbox } from './resize-sandbox.ts';
import { saveSpec } from './saved-bundle.ts';
import { startContainerShim } from './start-container-shim.ts';
import type { TargetSandbox } from './target-sandbox.ts';
import { validateId } from './validate-id.ts';
import { setVmOomScore } from './vm-oom-score.ts';
import { processesOf, whileRunning } from './while-running.ts';

/** Records the container: from now on it is complete. */
function register(context: Context, request: CreateRequest, { sandboxId }: TargetSandbox, shim: SpawnedProcess): void {
  registerContainer(sandboxId, request.id, {
    PersistVersion: PERSIST_VERSION,
    State: 'ready',
    BundlePath: request.bundle.path,
    Rootfs: request.bundle.rootfs,
    Created: timestamp(new Date(), 'nanoseconds'),
    Type: isFirstContainer(sandboxId, request.id) ? 'pod_sandbox' : 'pod_container',
    Process: { Token: request.id, Shim: shim.identity },
    Limits: limitsOf(request.bundle.spec.linux?.resources),
  });
  saveSpec(sandboxId, request.id, request.bundle);
  keepTraceFor(context, { sandboxId, id: request.id });
}

async function makeProcess(context: Context, request: CreateRequest, target: TargetSandbox): Promise<void> {
  if ((await target.container) !== true) await createInGuest(context, request, target);
}

/** Creates the container in the guest and runs its hooks. */
async function createProcess(context: Context, request: CreateRequest, target: TargetSandbox): Promise<void> {
  const making = makeProcess(context, request, target);
  await Promise.all([making, target.network]).catch(async (error: unknown) => {
    await making.catch(() => {}); // the journal must be complete before it is replayed
    throw error;
  });
  const { NetNsPath } = target.sandbox.Network;
  if (!isFirstContainer(target.sandboxId, request.id)) await runPrestartHooks(context, NetNsPath, request); // the first container's hooks have run before its VM was started
}

/** Creates the container in its sandbox, starts the shim and records the container. Closes the connection to the agent. */
async function completeContainer(context: Context, request: CreateRequest, target: TargetSandbox): Promise<SpawnedProcess> {
  const { sandboxId, sandbox, agent } = target;
  const { kernel } = context;
  const processes = processesOf(sandbox);
  try {
    await whileRunning(processes, { agent, kernel }, () => createProcess(context, request, target));
    const shim = await context.trace.step('shim start', () => startContainerShim(context, request, target));
    beginShim(shim, request.attached || !request.starts);
    await whileRunning([...processes, { name: 'kata-shim', identity: shim.identity }], { agent, kernel }, async () => {
      sendPidfd(request.pidfdSocket, shim, 'standard', kernel);
      register(context, request, target, shim);
      await resizeSandbox(context, { id: sandboxId, state: sandbox, agent }, 'new');
      if (isFirstContainer(sandboxId, request.id)) setVmOomScore(context, sandbox, request.bundle.spec);
    }).finally(() => shim.ready); // its error is the reason why the shim has ended
    request.onCreated?.(shim);
    return shim;
  } finally {
    agent.close();
  }
}

/** The error with its reason on the host. A reason that cannot be found must not keep the caller from undoing the create. */
async function explain(context: Context, place: ContainerPlace, error: unknown): Promise<unknown> {
  try {
    return explainFullRun(await explainOomKill(context, place, error));
  } catch (failure) {
    context.log.debug('the reason of the failed create is unknown', { failure: errorMessage(failure) });
    return error;
  }
}

/** Where a container is created. Its id is reserved there. */
interface Destination {
  readonly sandboxId: string;
  readonly journal: UndoJournal;
  /** Undefined for a sandbox that `open` creates. */
  readonly sandbox?: SandboxState;
  /** Creates the sandbox, or connects to its agent. */
  readonly open: () => Promise<TargetSandbox>;
}

/** Creates the container at its destination, or undoes everything. */
async function createAt(context: Context, request: CreateRequest, destination: Destination): Promise<SpawnedProcess> {
  const { sandboxId, journal, sandbox } = destination;
  const place = { sandboxId, id: request.id };
  context.trace.attach(sandboxPaths(sandboxId).state, request.id);
  try {
    makeCgroupFor(context, request, journal);
    limitBlockIo(context, place, request.bundle.spec.linux?.resources?.blockIO);
    return await completeContainer(context, request, await destination.open());
  } catch (thrown) {
    const error = await explain(context, place, thrown);
    const record = loadContainer(sandboxId, request.id); // the VM may have been resized for it
    await removeContainer(context, { ...place, record }, sandbox, false).catch((failure: unknown) =>
      context.log.warn('clean-up after a failed create is not complete', { failure: errorMessage(failure) }),
    );
    throw error;
  }
}

/** The name of a new sandbox for the container: the first name that no sandbox with other containers has. */
function ownSandboxName(id: string): string {
  for (let count = 1; ; count++) {
    const name = sandboxName(id, count);
    if (!isHandedOver(name)) return name;
  }
}

/** The container's own sandbox, which `open` creates. */
function newSandbox(context: Context, { id, bundle }: CreateRequest): Destination {
  const sandboxId = ownSandboxName(id);
  const journal = reserveContainer(id, sandboxId);
  const open = async (): Promise<TargetSandbox> => {
    if (context.configuration.runtime.sandbox_cgroup_only) limitWhole(context, { sandboxId, id }, limitsOf(bundle.spec.linux?.resources));
    return { sandboxId, journal, ...(await createSandbox(context, { sandboxId, id, bundle, journal })) };
  };
  return { sandboxId, journal, open };
}

/** The running sandbox of the container's pod. @throws StateError */
function podSandbox({ trace }: Context, { id }: CreateRequest, sandboxId: string): Destination {
  const sandbox = loadSandbox(sandboxId);
  if (!isAlive(sandbox.HypervisorState.Process)) throw new StateError(`sandbox ${sandboxId} is not running`);
  const journal = reserveContainer(id, sandboxId);
  const open = async (): Promise<TargetSandbox> => ({ sandboxId, journal, sandbox, agent: await connectGuest(sandbox, { trace }) });
  return { sandboxId, journal, sandbox, open };
}

/** The running sandbox of the container whose network the new container shares (ADR 15). @throws StateError */
async function sharedSandbox(context: Context, { id }: CreateRequest, sandboxId: string): Promise<Destination> {
  const { sandbox, reserved: journal } = await joinSandbox(context, { sandboxId, id }, () => reserveContainer(id, sandboxId));
  const open = async (): Promise<TargetSandbox> => ({
    sandboxId,
    journal,
    sandbox,
    agent: await connectGuest(sandbox, { trace: context.trace }),
    isJoined: true,
  });
  return { sandboxId, journal, sandbox, open };
}

/** The configuration with the sandbox's annotations applied. */
async function annotated(context: Context, { spec }: Bundle): Promise<Context> {
  const annotations = spec.annotations ?? {};
  if (!Object.keys(annotations).some((name) => name.startsWith('io.katacontainers.config.'))) return context;
  const { applyAnnotations } = await import('../configuration/annotations.ts');
  const { configuration, warnings } = applyAnnotations(context.configuration, annotations);
  for (const warning of warnings) context.log.warn(warning);
  return { ...context, configuration };
}

/** The sandbox of a pod's container; undefined for other containers. @throws StateError when the sandbox must exist and does not */
function podSandboxOf(role: ContainerRole): string | undefined {
  if (role.kind !== 'container') return undefined;
  const sandboxId = validateId(role.sandboxId);
  if (findSandbox(sandboxId) !== undefined) return sandboxId;
  if (role.mayBeAlone) return undefined;
  throw new StateError(`sandbox ${sandboxId}, which the container is to join, does not exist`);
}

/**
 * Creates a container whose process waits for `start`. Leaves nothing behind when it fails.
 * @returns the shim, whose pid represents the container's process
 * @throws KataError
 */
export async function createContainer(context: Context, request: CreateRequest): Promise<SpawnedProcess> {
  if (findSandbox(request.id) !== undefined) throw new ContainerExistsError(request.id);
  const { spec } = request.bundle;
  const role = containerRole(spec);
  const pod = podSandboxOf(role);
  const owner = pod !== undefined || role.kind === 'sandbox' ? undefined : findNetworkOwner(context, spec);
  for (const warning of ignoredOptions(spec, pod === undefined && owner === undefined)) context.log.warn(warning);
  if (pod !== undefined) return createAt(context, request, podSandbox(context, request, pod));
  if (owner !== undefined) return createAt(context, request, await sharedSandbox(context, request, owner));
  const own = await annotated(context, request.bundle);
  return createAt(own, request, newSandbox(own, request));
}

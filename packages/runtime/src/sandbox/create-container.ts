/** `create`: a container in a sandbox of its own, or in the pod's. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { ContainerExistsError, StateError } from '@kata-containers/common/errors/kata-error';
import { timestamp } from '@kata-containers/common/logging/log-record';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { Storage } from '@kata-containers/common/generated/agent';
import { agentSpec, joinsPidNamespace } from '../bundle/agent-spec.ts';
import { containerRole } from '../bundle/container-role.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { openConsole } from '../processes/console.ts';
import { launchShim } from '../processes/launch.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import type { Started } from '../processes/spawn-apart.ts';
import { mountedType, readMountTable } from '../storage/mount-table.ts';
import { planPodVolumes } from '../storage/pod-volume-plan.ts';
import type { PodVolumePlan } from '../storage/pod-volume-plan.ts';
import { sharePath, shareRootfs, hostFacts } from '../storage/share.ts';
import { planShare } from '../storage/share-plan.ts';
import { limitsOf } from '../sizing/limits-plan.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import { createSandbox } from './create-sandbox.ts';
import { enterCgroupOf, makeCgroupFor } from './host-cgroup.ts';
import { limitWhole } from './host-limits.ts';
import { containerFile, guestShare, mappingDirectory, sandboxPaths, sandboxesDirectory } from './paths.ts';
import { removeContainer } from './remove-container.ts';
import { removeSandbox } from './remove-sandbox.ts';
import { resizeSandbox } from './resize-sandbox.ts';
import { PERSIST_VERSION } from './state.ts';
import type { SandboxState } from './state.ts';
import { findSandbox, loadSandbox, saveContainer, saveSandbox } from './state-store.ts';
import { timed } from './timed.ts';
import { UndoJournal } from './undo-journal.ts';
import type { Undo } from './undo-journal.ts';

export interface CreateRequest {
  readonly id: string;
  readonly bundle: Bundle;
  /** Slave of a terminal that exists (1.x's --console). */
  readonly console?: string;
  /** Socket that the new terminal's master goes to. */
  readonly consoleSocket?: string;
  /** Socket that a pidfd of the shim goes to. */
  readonly pidfdSocket?: string;
  /** True when the caller waits for the process itself and reads its output. */
  readonly attached: boolean;
}

/** The directory's existence is the reservation: of two creates with one id, one fails here. */
function makeOnce(directory: string, id: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw errorCode(error) === 'EEXIST' ? new ContainerExistsError(id) : error;
  }
}

/** Reserves the id, and makes it findable: `delete` takes what is half-made, too. */
function reserve(id: string, sandboxId: string): UndoJournal {
  mkdirSync(sandboxesDirectory, { recursive: true, mode: 0o750 });
  const { state, journal: file } = sandboxPaths(sandboxId);
  makeOnce(sandboxId === id ? state : dirname(containerFile(sandboxId, id)), id);
  const journal = new UndoJournal(file);
  const mapping = join(mappingDirectory, id, sandboxId);
  for (const path of [dirname(mapping), mapping]) journal.record({ undo: 'rmdir', path, container: id });
  mkdirSync(mapping, { recursive: true, mode: 0o750 });
  return journal;
}

interface Placed {
  readonly sandboxId: string;
  readonly journal: UndoJournal;
  readonly sandbox: SandboxState;
  readonly agent: AgentConnection;
  /** What the guest is doing besides, and has to have done before the container is ready. */
  readonly network?: Promise<void>;
}

/** Only an agent that says so gets a profile: another one would refuse the container (1.x too). */
async function takesSeccomp(
  context: Context,
  { spec }: Bundle,
  agent: AgentConnection,
  deadline: { deadlineMs: number },
): Promise<boolean> {
  if (context.configuration.runtime.disable_guest_seccomp || !spec.linux?.seccomp) return false;
  const { agent_details } = await agent.call('getGuestDetails', {}, deadline);
  return agent_details?.supports_seccomp === true;
}

/** Volumes of a pod's first container are the host's, as those of a container by itself: there is nobody to share with yet (1.x). */
function podVolumes({ id, bundle }: CreateRequest, sandboxId: string): PodVolumePlan {
  const mounts = bundle.spec.mounts ?? [];
  if (id === sandboxId) return { storages: [], mounts, inGuest: new Set() };
  return planPodVolumes(sandboxId, mounts, (path) => mountedType(path, readMountTable()) === 'tmpfs');
}

/** Shares the container's files and has the agent make it. */
async function createInGuest(context: Context, request: CreateRequest, { sandboxId, journal, sandbox, agent }: Placed): Promise<void> {
  const { id, bundle } = request;
  const paths = sandboxPaths(sandboxId);
  const record = (entry: Undo): void => journal.record({ ...entry, container: id });
  shareRootfs(paths, id, bundle.rootfs, record, context.kernel);
  const volumes = podVolumes(request, sandboxId);
  const plan = planShare(id, volumes.mounts, hostFacts, volumes.inGuest);
  for (const path of plan.shared) sharePath(paths, path, record, context.kernel);
  const deadline = { deadlineMs: guestTimeout(REQUEST_TIMEOUT_MS, sandbox.HypervisorState.Accelerator) };
  const seccomp = await takesSeccomp(context, bundle, agent, deadline);
  const spec = agentSpec(bundle.spec, { rootPath: `${guestShare}/${id}/rootfs`, mounts: plan.mounts, seccomp });
  const call = {
    container_id: id,
    exec_id: id,
    storages: volumes.storages.map((storage) => Storage.fromPartial(storage)),
    OCI: spec,
    sandbox_pidns: joinsPidNamespace(bundle.spec),
  };
  await timed(context.log, 'CreateContainer', () => agent.call('createContainer', call, deadline));
}

function startShim(context: Context, request: CreateRequest, placed: Placed): Started {
  const terminal = request.bundle.spec.process?.terminal ?? false;
  const console = openConsole({ terminal, ...request }, context.kernel);
  enterCgroupOf(context, placed.sandboxId, request.id);
  const started = launchShim(
    {
      binary: context.configuration.shim.path,
      agentUrl: placed.sandbox.AgentState.URL,
      containerId: request.id,
      execId: request.id,
      terminal,
      debug: context.configuration.shim.enable_debug,
      namespaces: { network: placed.sandbox.Network.NetNsPath },
      console,
      quiet: terminal && !request.attached && console === undefined,
      environment: context.environment,
    },
    context.kernel,
  );
  placed.journal.record({ undo: 'kill', name: 'kata-shim', process: started.identity, container: request.id });
  return started;
}

/** From here on the container is complete. */
function register(request: CreateRequest, { sandboxId, sandbox }: Placed, shim: Started): void {
  saveSandbox(sandboxId, sandbox);
  saveContainer(sandboxId, request.id, {
    PersistVersion: PERSIST_VERSION,
    State: 'ready',
    BundlePath: request.bundle.path,
    Rootfs: request.bundle.rootfs,
    Created: timestamp(new Date(), 'nanoseconds'),
    Type: sandboxId === request.id ? 'pod_sandbox' : 'pod_container',
    Process: { Token: request.id, Shim: shim.identity },
    Limits: limitsOf(request.bundle.spec.linux?.resources),
  });
}

async function finish(context: Context, request: CreateRequest, placed: Placed): Promise<Started> {
  try {
    await Promise.all([createInGuest(context, request, placed), placed.network]);
    const shim = await timed(context.log, 'shim start', () => startShim(context, request, placed));
    sendPidfd(request.pidfdSocket, shim, 'standard', context.kernel);
    register(request, placed, shim);
    await resizeSandbox(context, { id: placed.sandboxId, state: placed.sandbox, agent: placed.agent }, 'new');
    return shim;
  } finally {
    placed.agent.close();
  }
}

async function createInOwnSandbox(context: Context, request: CreateRequest): Promise<Started> {
  const { id, bundle } = request;
  const journal = reserve(id, id);
  try {
    makeCgroupFor(context, request, journal);
    if (context.configuration.runtime.sandbox_cgroup_only) limitWhole(context, id, limitsOf(bundle.spec.linux?.resources));
    const { state, agent, network } = await createSandbox(context, { id, bundle, journal });
    return await finish(context, request, { sandboxId: id, journal, sandbox: state, agent, network });
  } catch (error) {
    const failures = await removeSandbox(id);
    for (const failure of failures) context.log.warn('clean-up after a failed create is not complete', { failure });
    throw error;
  }
}

async function createInPod(context: Context, request: CreateRequest, sandboxId: string): Promise<Started> {
  const sandbox = loadSandbox(sandboxId);
  if (!isAlive(sandbox.HypervisorState.Process)) throw new StateError(`sandbox ${sandboxId} is not running`);
  const journal = reserve(request.id, sandboxId);
  try {
    makeCgroupFor(context, request, journal);
    const agent = await connectAgent(sandbox.AgentState.URL, {});
    return await finish(context, request, { sandboxId, journal, sandbox, agent });
  } catch (error) {
    await removeContainer(context, { sandboxId, id: request.id, record: undefined }, sandbox).catch((failure: unknown) =>
      context.log.warn('clean-up after a failed create is not complete', { failure: errorMessage(failure) }),
    );
    throw error;
  }
}

/** The configuration as the sandbox' annotations want it. */
async function annotated(context: Context, { spec }: Bundle): Promise<Context> {
  const annotations = spec.annotations ?? {};
  if (!Object.keys(annotations).some((name) => name.startsWith('io.katacontainers.config.'))) return context;
  const { applyAnnotations } = await import('../configuration/annotations.ts');
  const { configuration, warnings } = applyAnnotations(context.configuration, annotations);
  for (const warning of warnings) context.log.warn(warning);
  return { ...context, configuration };
}

/**
 * Creates a container up to the point where its process waits to be started. Leaves nothing behind when it fails.
 * @returns the shim, whose pid stands for the container's process
 * @throws KataError
 */
export async function createContainer(context: Context, request: CreateRequest): Promise<Started> {
  if (findSandbox(request.id) !== undefined) throw new ContainerExistsError(request.id);
  const role = containerRole(request.bundle.spec);
  if (role.kind !== 'sandbox') return createInPod(context, request, role.sandboxId);
  return createInOwnSandbox(await annotated(context, request.bundle), request);
}

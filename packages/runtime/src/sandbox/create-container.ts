/** `create`: creates a container in a new sandbox, in its pod's, or in that of the container whose network it shares. */
import { closeSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { ContainerExistsError, KataError, StateError } from '@kata-containers/common/errors/kata-error';
import { timestamp } from '@kata-containers/common/logging/log-record';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { containerRole } from '../bundle/container-role.ts';
import type { ContainerRole } from '../bundle/container-role.ts';
import { ignoredOptions } from '../bundle/ignored-options.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { openConsole } from '../processes/console.ts';
import { startShimHelper } from '../processes/shim-helper.ts';
import type { HelperCommands, ShimHelper } from '../processes/shim-helper.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import type { Started } from '../processes/spawn-detached.ts';
import { resolvConfSource } from '../storage/share-plan.ts';
import { limitsOf } from '../sizing/limits-plan.ts';
import { runPrestartHooks } from './container-hooks.ts';
import { journalOf } from '../undo/container-journal.ts';
import type { Context } from '../context/context.ts';
import { createInGuest } from './create-in-guest.ts';
import type { PlacedContainer } from './create-in-guest.ts';
import { createSandbox } from './create-sandbox.ts';
import { directoriesOf, enterCgroupOf, makeCgroupFor } from '../vm/container-cgroup.ts';
import { explainFullRun } from './explain-full-run.ts';
import { limitBlockIo, limitWhole } from './host-limits.ts';
import { saveSpec } from './saved-bundle.ts';
import { launchShimFor } from './launch-shim-for.ts';
import { containerFile, mappingDirectory, sandboxPaths, sandboxesDirectory } from '../context/paths.ts';
import { oomListener, oomOptions } from './oom-listener.ts';
import { findNetworkOwner } from './find-network-owner.ts';
import { joinSandbox } from './join-sandbox.ts';
import { removeContainer } from './remove-container.ts';
import { forgetContainer, removeSandbox, removeStateDirectory } from './remove-sandbox.ts';
import { resizeSandbox } from './resize-sandbox.ts';
import { PERSIST_VERSION } from '../state/state.ts';
import { isFirstContainer, sandboxName } from '../state/sandbox-name.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';
import { findSandbox, isHandedOver, loadContainer, loadSandbox, registerContainer } from '../state/state-store.ts';
import { traceStep } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { validateId } from './validate-id.ts';
import { connectGuest } from '../vm/connect-guest.ts';
import { processesOf, whileRunning } from './while-running.ts';

export interface CreateRequest {
  readonly id: string;
  readonly bundle: Bundle;
  /** Slave of a terminal that exists (1.x's --console). */
  readonly console?: string;
  /** Socket that receives the new terminal's master. */
  readonly consoleSocket?: string;
  /** Socket that receives a pidfd of the shim. */
  readonly pidfdSocket?: string;
  /** True when the caller waits for the process itself and reads its output. */
  readonly attached: boolean;
  /** Called last; when it throws, the create has failed. */
  readonly onCreated?: (shim: Started) => void;
}

/** The directory reserves the id: of two creates with one id, one fails here. */
function makeOnce(directory: string, id: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw errorCode(error) === 'EEXIST' ? new ContainerExistsError(id) : error;
  }
}

/** Reserves the id and registers it, so that `delete` finds an incomplete container, too. */
function reserve(id: string, sandboxId: string): UndoJournal {
  mkdirSync(sandboxesDirectory, { recursive: true, mode: 0o750 });
  const directory = isFirstContainer(sandboxId, id) ? sandboxPaths(sandboxId).state : dirname(containerFile(sandboxId, id));
  makeOnce(directory, id);
  const journal = journalOf(sandboxId, id);
  const mapping = join(mappingDirectory, id, sandboxId);
  try {
    for (const path of [dirname(mapping), mapping]) journal.record({ undo: 'rmdir', path, container: id });
    mkdirSync(mapping, { recursive: true, mode: 0o750 });
    return journal;
  } catch (error) {
    const explained = explainFullRun(error); // before there is room again
    removeStateDirectory(directory);
    forgetContainer(sandboxId, id);
    throw explained;
  }
}

type Placed = PlacedContainer & {
  /** The guest's network configuration, which must be finished before the container is ready. */
  readonly network?: Promise<void>;
};

/** What the helper of a shim can run; empty when the shim needs none. */
function helperCommands(context: Context, { id, bundle }: CreateRequest, { sandboxId, isJoined }: Placed): HelperCommands {
  const { configuration, configurationPath, program, caller } = context;
  // The shim of the first container watches the network, and those of containers that may be left with the network.
  const isWatcher = isFirstContainer(sandboxId, id) || isJoined === true;
  const isConnected = configuration.runtime.internetworking_model !== 'none';
  const engine = oomListener(caller, bundle);
  return {
    ...(isWatcher && isConnected && { network: [program, '--kata-config', configurationPath, 'kata-network', 'sync', id] }),
    ...(engine && { oom: [program, 'kata-oom', ...oomOptions(engine), id] }),
  };
}

function startHelper(context: Context, request: CreateRequest, placed: Placed): ShimHelper | undefined {
  const commands = helperCommands(context, request, placed);
  if (Object.keys(commands).length === 0) return undefined;
  const helper = startShimHelper(commands, context.environment, context.kernel);
  const { identity } = helper.started;
  placed.journal.record({ undo: 'kill', name: 'helper of kata-shim', process: identity, family: true, container: request.id });
  return helper;
}

function startShim(context: Context, request: CreateRequest, placed: Placed): Started {
  enterCgroupOf(context, placed.sandboxId, request.id);
  const helper = startHelper(context, request, placed);
  try {
    return startShimWith(context, request, placed, helper);
  } finally {
    if (helper) closeSync(helper.socket);
  }
}

function startShimWith(context: Context, request: CreateRequest, placed: Placed, helper: ShimHelper | undefined): Started {
  const { id, bundle } = request;
  const terminal = bundle.spec.process?.terminal ?? false;
  const terminalPath = openConsole({ terminal, ...request }, context.kernel);
  const { sandboxId, sandbox } = placed;
  const started = launchShimFor(context, {
    sandboxId,
    sandbox,
    containerId: id,
    execId: id,
    args: bundle.spec.process?.args ?? [],
    terminal,
    console: terminalPath,
    attached: request.attached,
    namespaces: { network: sandbox.Network.NetNsPath },
    resolvConf: isFirstContainer(sandboxId, id) ? resolvConfSource(bundle.spec.mounts ?? []) : undefined, // docker's resolver lives as long
    helper,
  });
  placed.journal.record({ undo: 'kill', name: 'kata-shim', process: started.identity, container: id });
  return started;
}

/** Records the container, which is complete then. */
function register(request: CreateRequest, { sandboxId }: Placed, shim: Started): void {
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
}

/** Creates the container in the guest and runs its hooks. */
async function createProcess(context: Context, request: CreateRequest, placed: Placed): Promise<void> {
  const making = createInGuest(context, request, placed);
  await Promise.all([making, placed.network]).catch(async (error: unknown) => {
    await making.catch(() => {}); // its steps must be in the journal before they are undone
    throw error;
  });
  const { NetNsPath } = placed.sandbox.Network;
  if (!isFirstContainer(placed.sandboxId, request.id)) await runPrestartHooks(context, NetNsPath, request); // the sandbox's container has run them for the network
}

async function finish(context: Context, request: CreateRequest, placed: Placed): Promise<Started> {
  const { sandboxId, sandbox, agent } = placed;
  const { kernel } = context;
  const processes = processesOf(sandbox);
  try {
    await whileRunning(processes, { agent, kernel }, () => createProcess(context, request, placed));
    const shim = await traceStep(context.log, 'shim start', () => startShim(context, request, placed));
    await whileRunning([...processes, { name: 'kata-shim', identity: shim.identity }], { agent, kernel }, async () => {
      sendPidfd(request.pidfdSocket, shim, 'standard', kernel);
      register(request, placed, shim);
      await resizeSandbox(context, { id: sandboxId, state: sandbox, agent }, 'new');
    });
    request.onCreated?.(shim);
    return shim;
  } finally {
    agent.close();
  }
}

/** Names the OOM kill of the VM as the reason: the error of the call that it interrupted is no help. */
async function orKilled({ configuration }: Context, { sandboxId, id }: ContainerPlace, error: unknown): Promise<unknown> {
  const { killedForMemory } = await import('../host-cgroup/killed-for-memory.ts');
  if (!killedForMemory(directoriesOf(sandboxId, id))) return error;
  const limit = configuration.runtime.sandbox_cgroup_only ? ': with sandbox_cgroup_only a memory limit is for all that the VM costs' : '';
  return new KataError(`the VM was OOM-killed by the host${limit} (${errorMessage(error)})`, { cause: error });
}

/** A sandbox of the container's own: the first name that is not that of one which lives on for others. */
function ownSandbox(id: string): string {
  for (let count = 1; ; count++) {
    const name = sandboxName(id, count);
    if (!isHandedOver(name)) return name;
  }
}

async function createInOwnSandbox(context: Context, request: CreateRequest): Promise<Started> {
  const { id, bundle } = request;
  const sandboxId = ownSandbox(id);
  const journal = reserve(id, sandboxId);
  try {
    makeCgroupFor(context, request, journal);
    limitBlockIo(context, { sandboxId, id }, bundle.spec.linux?.resources?.blockIO);
    if (context.configuration.runtime.sandbox_cgroup_only) limitWhole(context, { sandboxId, id }, limitsOf(bundle.spec.linux?.resources));
    const { state, agent, network } = await createSandbox(context, { sandboxId, id, bundle, journal });
    return await finish(context, request, { sandboxId, journal, sandbox: state, agent, network });
  } catch (thrown) {
    const error = explainFullRun(await orKilled(context, { sandboxId, id }, thrown));
    const failures = await removeSandbox(sandboxId, context.kernel);
    for (const failure of failures) context.log.warn('clean-up after a failed create is not complete', { failure });
    throw error;
  }
}

/** In a VM that runs, once the id is reserved there. */
async function createInSandbox(context: Context, request: CreateRequest, place: Omit<Placed, 'agent'>): Promise<Started> {
  const { sandboxId, journal, sandbox } = place;
  try {
    makeCgroupFor(context, request, journal);
    limitBlockIo(context, { sandboxId, id: request.id }, request.bundle.spec.linux?.resources?.blockIO);
    const agent = await connectGuest(sandbox);
    return await finish(context, request, { ...place, agent });
  } catch (thrown) {
    const error = explainFullRun(thrown);
    const record = loadContainer(sandboxId, request.id); // the VM may have been resized for it
    await removeContainer(context, { sandboxId, id: request.id, record }, sandbox, false).catch((failure: unknown) =>
      context.log.warn('clean-up after a failed create is not complete', { failure: errorMessage(failure) }),
    );
    throw error;
  }
}

function createInPod(context: Context, request: CreateRequest, sandboxId: string): Promise<Started> {
  const sandbox = loadSandbox(sandboxId);
  if (!isAlive(sandbox.HypervisorState.Process)) throw new StateError(`sandbox ${sandboxId} is not running`);
  return createInSandbox(context, request, { sandboxId, sandbox, journal: reserve(request.id, sandboxId) });
}

async function createInSharedNetwork(context: Context, request: CreateRequest, sandboxId: string): Promise<Started> {
  const { sandbox, reserved: journal } = await joinSandbox(context, { sandboxId, id: request.id }, () => reserve(request.id, sandboxId));
  return createInSandbox(context, request, { sandboxId, sandbox, journal, isJoined: true });
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

/** The sandbox that a pod's container joins; undefined for other containers. @throws StateError when it has to exist, and does not */
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
export async function createContainer(context: Context, request: CreateRequest): Promise<Started> {
  if (findSandbox(request.id) !== undefined) throw new ContainerExistsError(request.id);
  const { spec } = request.bundle;
  const role = containerRole(spec);
  const pod = podSandboxOf(role);
  const owner = pod !== undefined || role.kind === 'sandbox' ? undefined : findNetworkOwner(context, spec);
  const isFirst = pod === undefined && owner === undefined;
  for (const warning of ignoredOptions(spec, isFirst)) context.log.warn(warning);
  if (pod !== undefined) return createInPod(context, request, pod);
  if (owner !== undefined) return createInSharedNetwork(context, request, owner);
  return createInOwnSandbox(await annotated(context, request.bundle), request);
}

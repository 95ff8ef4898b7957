/** Makes a sandbox: network, share, VM, proxy, and the agent told who it is. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { connectAgent, waitUntilServing } from '@kata-containers/common/agent-api/agent-connection';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { createSandboxRequest, interfaceRequest, neighboursRequest, routesRequest } from '../agent/sandbox-requests.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { canOpen, chooseAccelerator, readCpuinfo } from '../host-check/accelerator.ts';
import { probeKvm } from '../host-check/kvm-probe.ts';
import { launchProxy } from '../processes/launch.ts';
import { hostFacts, makeShare } from '../storage/share.ts';
import { resolvConfSource, shmBytes } from '../storage/share-plan.ts';
import { BOOT_TIMEOUT_MS, REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import { prepareNetwork } from './sandbox-network.ts';
import type { SandboxNetwork } from './sandbox-network.ts';
import { sandboxPaths } from './paths.ts';
import type { SandboxPaths } from './paths.ts';
import { PERSIST_VERSION } from './state.ts';
import type { SandboxState } from './state.ts';
import type { UndoJournal } from './undo-journal.ts';
import { startVm } from './start-vm.ts';
import type { RunningVm } from './start-vm.ts';

export interface SandboxRequest {
  readonly id: string;
  readonly bundle: Bundle;
  readonly journal: UndoJournal;
}

export interface CreatedSandbox {
  readonly state: SandboxState;
  readonly agent: AgentConnection;
}

const VM_FILES = ['qmp.sock', 'console.sock', 'kata.sock', 'pid', 'qemu.log', 'proxy.log'];

function makeDirectories(paths: SandboxPaths, journal: UndoJournal): void {
  mkdirSync(dirname(paths.vm), { recursive: true, mode: 0o750 });
  journal.record({ undo: 'rmdir', path: paths.vm });
  mkdirSync(paths.vm, { mode: 0o700 });
  journal.record({ undo: 'remove-sockets', directory: paths.vm, names: VM_FILES });
}

async function accelerate({ configuration: { hypervisor }, log }: Context): Promise<'kvm' | 'tcg'> {
  const choice = await chooseAccelerator(hypervisor.accelerator, {
    cpuinfo: readCpuinfo,
    kvmUsable: () => canOpen('/dev/kvm'),
    probe: () => probeKvm(hypervisor.path, hypervisor.kernel),
  });
  if (choice.reason !== undefined) log.warn('no hardware virtualisation: the guest is emulated, which is slow', { reason: choice.reason });
  return choice.accelerator;
}

/** The first answer comes when the guest has booted. A guest that dies before is reported with its last words. */
async function awaitAgent(url: string, vm: RunningVm): Promise<AgentConnection> {
  const timeoutMs = guestTimeout(BOOT_TIMEOUT_MS, vm.accelerator);
  const connecting = connectAgent(url, { connectTimeoutMs: timeoutMs });
  connecting.catch(() => {});
  try {
    const agent = await Promise.race([connecting, vm.failed]);
    await waitUntilServing(agent, timeoutMs);
    return agent;
  } catch (error) {
    return vm.explain(error);
  }
}

async function configureGuest(
  agent: AgentConnection,
  request: SandboxRequest,
  network: SandboxNetwork,
  context: Context,
  timeoutMs: number,
): Promise<void> {
  const deadline = { deadlineMs: timeoutMs };
  const { spec } = request.bundle;
  for (const link of network.facts.links) await agent.call('updateInterface', { interface: interfaceRequest(link) }, deadline);
  const { routes, neighbours } = network.facts;
  if (routes.length > 0) await agent.call('updateRoutes', { routes: { Routes: routesRequest(routes) } }, deadline);
  if (neighbours.length > 0) await agent.call('addARPNeighbors', { neighbors: neighboursRequest(neighbours) }, deadline);
  const resolvConf = resolvConfSource(spec.mounts ?? []);
  const facts = {
    id: request.id,
    hostname: spec.hostname ?? '',
    dns: resolvConf !== undefined && existsSync(resolvConf) ? readFileSync(resolvConf, 'utf8').split('\n').filter(Boolean) : [],
    shmBytes: shmBytes(spec.mounts ?? [], hostFacts),
    msize9p: context.configuration.hypervisor.msize_9p,
  };
  await agent.call('createSandbox', createSandboxRequest(facts), deadline);
}

function startProxy(context: Context, request: SandboxRequest, paths: SandboxPaths): ProcessIdentity {
  const { proxy } = context.configuration;
  request.journal.record({ undo: 'unlink', path: paths.proxySocket });
  const { identity } = launchProxy(proxy.path, request.id, paths, { debug: proxy.enable_debug, environment: context.environment });
  request.journal.record({ undo: 'kill', name: 'kata-proxy', process: identity });
  return identity;
}

function sandboxState(
  context: Context,
  request: SandboxRequest,
  made: { vm: RunningVm; proxy: ProcessIdentity; network: SandboxNetwork; url: string },
): SandboxState {
  const { vm, proxy, network, url } = made;
  return {
    PersistVersion: PERSIST_VERSION,
    SandboxContainer: request.id,
    ConfigPath: context.configurationPath,
    HypervisorState: { Process: vm.identity, UUID: vm.uuid, Accelerator: vm.accelerator },
    AgentState: { Proxy: proxy, URL: url },
    Network: { NetNsPath: network.path, NetNsCreated: network.created },
  };
}

/**
 * Everything up to a VM whose agent knows its sandbox. What was made on the host stands in the journal when this fails.
 * @throws KataError
 */
export async function createSandbox(context: Context, request: SandboxRequest): Promise<CreatedSandbox> {
  const paths = sandboxPaths(request.id);
  makeDirectories(paths, request.journal);
  const accelerator = await accelerate(context);
  const network = await prepareNetwork(context, request);
  makeShare(paths, (entry) => request.journal.record(entry), context.kernel);
  const vm = await startVm(context, { ...request, accelerator, network });
  const url = `unix://${paths.proxySocket}`;
  let agent: AgentConnection | undefined;
  try {
    const proxy = startProxy(context, request, paths);
    agent = await awaitAgent(url, vm);
    await configureGuest(agent, request, network, context, guestTimeout(REQUEST_TIMEOUT_MS, accelerator));
    return { state: sandboxState(context, request, { vm, proxy, network, url }), agent };
  } catch (error) {
    agent?.close();
    throw error;
  } finally {
    vm.release();
  }
}

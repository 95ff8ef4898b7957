/** Makes a sandbox: network, share, VM, proxy, and the agent told who it is. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { createSandboxRequest, interfaceRequest, neighboursRequest, routesRequest } from '../agent/sandbox-requests.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { clonePlan, holdTemplate, templateObstacle } from '../factory/use-template.ts';
import type { QemuPlan } from '../hypervisor/qemu/command-line.ts';
import { planVm } from '../hypervisor/qemu/plan-vm.ts';
import { hostFacts, makeShare } from '../storage/share.ts';
import { resolvConfSource, shmBytes } from '../storage/share-plan.ts';
import { accelerate } from './accelerate.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import { prepareNetwork } from './sandbox-network.ts';
import type { SandboxNetwork } from './sandbox-network.ts';
import { sandboxPaths } from './paths.ts';
import type { SandboxPaths } from './paths.ts';
import { PERSIST_VERSION } from './state.ts';
import type { SandboxState } from './state.ts';
import { startGuest } from './start-guest.ts';
import { timed } from './timed.ts';
import type { GuestStart, StartedGuest } from './start-guest.ts';
import { replay } from './undo-journal.ts';
import type { UndoJournal } from './undo-journal.ts';
import { undoOne } from './undo.ts';

export interface SandboxRequest {
  readonly id: string;
  readonly bundle: Bundle;
  readonly journal: UndoJournal;
}

export interface CreatedSandbox {
  readonly state: SandboxState;
  readonly agent: AgentConnection;
}

/** Bytes of fresh entropy for a clone (1.x's). */
const ENTROPY_BYTES = 512;
const VM_FILES = ['qmp.sock', 'console.sock', 'kata.sock', 'pid', 'qemu.log', 'proxy.log'];

function makeDirectories(paths: SandboxPaths, journal: UndoJournal): void {
  mkdirSync(dirname(paths.vm), { recursive: true, mode: 0o750 });
  journal.record({ undo: 'rmdir', path: paths.vm });
  mkdirSync(paths.vm, { mode: 0o700 });
  journal.record({ undo: 'remove-sockets', directory: paths.vm, names: VM_FILES });
}

async function configureNetwork(agent: AgentConnection, { facts }: SandboxNetwork, deadline: { deadlineMs: number }): Promise<void> {
  const { links, routes, neighbours } = facts;
  for (const link of links) await agent.call('updateInterface', { interface: interfaceRequest(link) }, deadline);
  if (routes.length > 0) await agent.call('updateRoutes', { routes: { Routes: routesRequest(routes) } }, deadline);
  if (neighbours.length > 0) await agent.call('addArpNeighbors', { neighbors: neighboursRequest(neighbours) }, deadline);
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
  await timed(context.log, 'guest network', () => configureNetwork(agent, network, deadline));
  const resolvConf = resolvConfSource(spec.mounts ?? []);
  const facts = {
    id: request.id,
    hostname: spec.hostname ?? '',
    dns: resolvConf !== undefined && existsSync(resolvConf) ? readFileSync(resolvConf, 'utf8').split('\n').filter(Boolean) : [],
    shmBytes: shmBytes(spec.mounts ?? [], hostFacts),
    msize9p: context.configuration.hypervisor.msize_9p,
  };
  await timed(context.log, 'CreateSandbox', () => agent.call('createSandbox', createSandboxRequest(facts), deadline));
}

/** A clone has the randomness and the clock of its template: both are made its own before anything runs in it. */
async function individualise(agent: AgentConnection, timeoutMs: number): Promise<void> {
  const deadline = { deadlineMs: timeoutMs };
  const now = Date.now();
  const time = { Sec: BigInt(Math.floor(now / 1000)), Usec: BigInt((now % 1000) * 1000) };
  await Promise.all([
    agent.call('reseedRandomDev', { data: randomBytes(ENTROPY_BYTES) }, deadline),
    agent.call('setGuestDateTime', time, deadline),
  ]);
}

type Up = StartedGuest & { readonly plan: QemuPlan };

/** Undoes what was recorded since, which only starts processes and their sockets: the VM's directories stay. */
async function undoSince(journal: UndoJournal, count: number, log: Logger): Promise<void> {
  for (const failure of await replay(journal.entries().slice(count), undoOne)) log.warn('a VM that failed is still there', { failure });
}

/** @throws KataError when a template cannot be made, loaded or used */
async function clone(context: Context, start: GuestStart): Promise<Up> {
  const template = await timed(context.log, 'hold template', () => holdTemplate(context, start.plan));
  const plan = clonePlan(start.plan, template);
  const begun = start.journal.entries().length;
  try {
    const guest = await startGuest(context, { ...start, plan, state: template.files.state });
    await timed(context.log, 'entropy and clock', () => individualise(guest.agent, guestTimeout(REQUEST_TIMEOUT_MS, plan.accelerator)));
    return { ...guest, plan };
  } catch (error) {
    await undoSince(start.journal, begun, context.log);
    throw error;
  } finally {
    template.release();
  }
}

/** From a template if there can be one: whatever goes wrong with it only makes the start slower. */
async function cloneOrBoot(context: Context, start: GuestStart): Promise<Up> {
  if (templateObstacle(context.configuration) === undefined) {
    try {
      return await clone(context, start);
    } catch (error) {
      context.log.warn('no VM template can be used: the VM is booted', { reason: errorMessage(error) });
    }
  }
  return { ...(await startGuest(context, start)), plan: start.plan };
}

function sandboxState(context: Context, id: string, { plan, vm, proxy, url }: Up, network: SandboxNetwork): SandboxState {
  return {
    PersistVersion: PERSIST_VERSION,
    SandboxContainer: id,
    ConfigPath: context.configurationPath,
    HypervisorState: { Process: vm, UUID: plan.uuid, Accelerator: plan.accelerator },
    AgentState: { Proxy: proxy, URL: url },
    Network: { NetNsPath: network.path, NetNsCreated: network.created },
  };
}

/**
 * Everything up to a VM whose agent knows its sandbox. What was made on the host stands in the journal when this fails.
 * @throws KataError
 */
export async function createSandbox(context: Context, request: SandboxRequest): Promise<CreatedSandbox> {
  const { id, journal } = request;
  const files = sandboxPaths(id);
  makeDirectories(files, journal);
  const accelerator = await accelerate(context);
  const network = await timed(context.log, 'host network', () => prepareNetwork(context, request));
  await timed(context.log, 'share', () => makeShare(files, (entry) => journal.record(entry), context.kernel));
  const { hypervisor, agent: agentConfiguration } = context.configuration;
  const plan = planVm(hypervisor, {
    sandboxId: id,
    accelerator,
    networks: network.networks,
    sharedDirectory: files.shared,
    paths: files,
    agentDebug: agentConfiguration.enable_debug,
  });
  const up = await cloneOrBoot(context, { plan, files, netns: network.path, journal });
  try {
    await configureGuest(up.agent, request, network, context, guestTimeout(REQUEST_TIMEOUT_MS, accelerator));
    return { state: sandboxState(context, id, up, network), agent: up.agent };
  } catch (error) {
    up.agent.close();
    throw error;
  }
}

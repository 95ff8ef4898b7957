/** A VM with its proxy, up to the agent's first answer: booted, or loaded from a template. */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAgent, waitUntilServing } from '@kata-containers/common/agent-api/agent-connection';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { followConsole } from '../hypervisor/qemu/console-tail.ts';
import type { ConsoleTail } from '../hypervisor/qemu/console-tail.ts';
import { qemuCommandLine } from '../hypervisor/qemu/command-line.ts';
import type { Accelerator, QemuPaths, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { openMonitor, startQemu } from '../hypervisor/qemu/qemu-process.ts';
import type { StartedQemu } from '../hypervisor/qemu/qemu-process.ts';
import { loadState } from '../hypervisor/qemu/vm-state.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { launchProxy } from '../processes/launch.ts';
import { BOOT_TIMEOUT_MS, QMP_TIMEOUT_MS, REQUEST_TIMEOUT_MS, STATE_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { Context } from '../context/context.ts';
import { startVirtiofsd } from './start-virtiofsd.ts';
import type { StartedDaemon } from './start-virtiofsd.ts';
import { traceStep } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

/** Files of a VM and its proxy. */
export interface GuestFiles extends QemuPaths {
  readonly proxySocket: string;
  /** Directory of the proxy's log. */
  readonly vm: string;
}

export interface GuestStart {
  readonly plan: QemuPlan;
  readonly files: GuestFiles;
  /** Path of the network namespace that has the plan's taps. */
  readonly netns: string;
  readonly journal: UndoJournal;
  /** Open devices that QEMU inherits, in the order of the plan's fds. */
  readonly taps?: readonly number[];
  /** File with the state to load. Without one the VM boots. */
  readonly state?: string;
}

/** QEMU and proxy, started. */
interface SpawnedGuest {
  readonly qemu: StartedQemu;
  readonly proxy: ProcessIdentity;
  readonly daemon?: StartedDaemon;
}

export interface RunningVm {
  /** As it was started. */
  readonly plan: QemuPlan;
  /** QEMU. */
  readonly vm: ProcessIdentity;
  /** Daemon that serves the share, when that is virtio-fs. */
  readonly virtiofsd?: ProcessIdentity;
  readonly proxy: ProcessIdentity;
  readonly url: string;
  readonly agent: AgentConnection;
}

const END_MS = 1000;

/** With proxy debug the proxy reads the console, and a console has one reader. */
function follow(context: Context, { consoleSocket }: GuestFiles): ConsoleTail | undefined {
  return context.configuration.proxy.enable_debug ? undefined : followConsole(consoleSocket);
}

/** A monitor breaks when QEMU ends: then its end is the error, and is known a moment later. */
async function endOf(started: StartedQemu, error: unknown): Promise<never> {
  await Promise.race([started.failed, sleep(END_MS)]);
  throw error;
}

/** Starts QEMU in the network namespace, where it opens by name the taps that it does not inherit. */
async function spawnQemu(context: Context, { plan, files, netns, journal, taps = [] }: GuestStart): Promise<StartedQemu> {
  const args = qemuCommandLine(plan);
  context.log.debug('starting QEMU', { args: args.join(' ') });
  const { environment } = context;
  const start = { binary: plan.binary, args, logFile: files.qemuLog, inherited: taps, environment };
  const started = await traceStep(context.log, 'QEMU spawn', () => inNetworkNamespace(netns, context.kernel, () => startQemu(start)));
  journal.record({ undo: 'kill', name: 'qemu', process: started.identity });
  return started;
}

/** QEMU ends when its daemon does at the start; the daemon's last words say why. */
function withDaemon(started: StartedQemu, daemon: StartedDaemon | undefined): StartedQemu {
  if (!daemon) return started;
  const failed = Promise.race([daemon.failed, started.failed]);
  failed.catch(() => {});
  return { ...started, failed };
}

/** Until QEMU has started, and has the state that it is to have. @throws HypervisorError with its last words */
async function vmReady(
  { log, kernel }: Context,
  { plan: { accelerator }, files, state }: GuestStart,
  { qemu }: SpawnedGuest,
): Promise<void> {
  const prepare = async (): Promise<void> => {
    const monitor = await traceStep(log, 'QEMU start', () => openMonitor(files.qmpSocket, guestTimeout(QMP_TIMEOUT_MS, accelerator)));
    try {
      const timeoutMs = guestTimeout(STATE_TIMEOUT_MS, accelerator);
      if (state !== undefined) await traceStep(log, 'state load', () => loadState(monitor, state, timeoutMs, kernel));
    } finally {
      monitor.close();
    }
  };
  const preparing = prepare();
  preparing.catch(() => {}); // told by the race, unless QEMU's end is
  await Promise.race([preparing, qemu.failed]).catch((error: unknown) => endOf(qemu, error));
}

/** A sandbox without its files is useless: the proxy ends with the daemon that serves them, and the shims with the proxy. */
function startProxy(context: Context, { plan, files, journal }: GuestStart, daemon: StartedDaemon | undefined): ProcessIdentity {
  const { proxy } = context.configuration;
  journal.record({ undo: 'unlink', path: files.proxySocket });
  const endsWith = daemon && context.kernel.openPidfd(daemon.identity.pid);
  try {
    const options = { debug: proxy.enable_debug, environment: context.environment, ...(endsWith !== undefined && { endsWith }) };
    const { identity } = launchProxy(proxy.path, plan.sandboxId, files, options);
    journal.record({ undo: 'kill', name: 'kata-proxy', process: identity });
    return identity;
  } finally {
    if (endsWith !== undefined) closeSync(endsWith);
  }
}

/** The first answer comes when the guest has booted. A guest that dies before is reported with its last words. */
async function awaitAgent(
  url: string,
  { failed }: StartedQemu,
  tail: ConsoleTail | undefined,
  accelerator: Accelerator,
): Promise<AgentConnection> {
  const timeoutMs = guestTimeout(BOOT_TIMEOUT_MS, accelerator);
  const connecting = connectAgent(url, { connectTimeoutMs: timeoutMs, callTimeoutMs: guestTimeout(REQUEST_TIMEOUT_MS, accelerator) });
  connecting.catch(() => {});
  try {
    const agent = await Promise.race([connecting, failed]);
    await Promise.race([waitUntilServing(agent, timeoutMs), failed]);
    return agent;
  } catch (error) {
    const lines = tail?.lastLines() ?? '';
    throw new HypervisorError('the guest did not come up', lines === '' ? '' : `last lines of the guest's console: ${lines}`, {
      cause: error,
    });
  }
}

/** Starts the processes. They stand in the journal when this fails. */
async function spawnGuest(context: Context, start: GuestStart): Promise<SpawnedGuest> {
  const daemon = startVirtiofsd(context, { ...start, directory: start.files.vm });
  const qemu = withDaemon(await spawnQemu(context, start), daemon);
  const proxy = await traceStep(context.log, 'proxy spawn', () => startProxy(context, start, daemon)); // its start and QEMU's take about as long
  return { qemu, proxy, ...(daemon && { daemon }) };
}

/** Until the agent answers. @throws HypervisorError */
async function guestReady(context: Context, start: GuestStart, { qemu, proxy, daemon }: SpawnedGuest): Promise<RunningVm> {
  const tail = follow(context, start.files);
  try {
    const url = `unix://${start.files.proxySocket}`;
    const agent = await traceStep(context.log, 'first answer', () => awaitAgent(url, qemu, tail, start.plan.accelerator));
    return { plan: start.plan, vm: qemu.identity, proxy, url, agent, ...(daemon && { virtiofsd: daemon.identity }) };
  } finally {
    tail?.close();
  }
}

/** What was started stands in the journal when this fails. @throws HypervisorError, TimeoutError, KataError */
export async function startGuest(context: Context, start: GuestStart): Promise<RunningVm> {
  const spawned = await spawnGuest(context, start);
  await vmReady(context, start, spawned);
  return guestReady(context, start, spawned);
}

/** A VM with its proxy, up to the agent's first answer: booted, or loaded from a template. */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forbidIoUring } from '@kata-containers/common/confinement/forbid-io-uring';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { followConsole } from '@kata-containers/common/console/console-tail';
import type { ConsoleTail } from '@kata-containers/common/console/console-tail';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { qemuCommandLine } from '../hypervisor/qemu/command-line.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { openMonitor, startQemu } from '../hypervisor/qemu/qemu-process.ts';
import type { StartedQemu } from '../hypervisor/qemu/qemu-process.ts';
import { loadState } from '../hypervisor/qemu/vm-state.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { FIRST_VICTIM, setOomScore } from '../processes/oom-score.ts';
import { BOOT_TIMEOUT_MS, QMP_TIMEOUT_MS, STATE_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import { applyPart } from '../configuration/confinement-parts.ts';
import type { Context } from '../context/context.ts';
import { confined } from './confine-qemu.ts';
import { connectAgentOfVm } from './connect-agent-of-vm.ts';
import type { VmAgent } from './connect-agent-of-vm.ts';
import { forbidSharedCalls } from './forbid-shared-calls.ts';
import { withNetworkFds } from './network-fds.ts';
import { closeDirectory } from './own-root.ts';
import type { GuestFiles, GuestStart, Needed } from './guest-start.ts';
import { startProxy } from './start-proxy.ts';
import { startVirtiofsd } from './start-virtiofsd.ts';
import type { StartedDaemon } from './start-virtiofsd.ts';

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

const urlOf = ({ proxySocket }: GuestFiles): string => `unix://${proxySocket}`;

/** With proxy debug the proxy reads the console, and a console has one reader. */
function follow(context: Context, { consoleSocket }: GuestFiles): ConsoleTail | undefined {
  return context.configuration.proxy.enable_debug ? undefined : followConsole(consoleSocket);
}

/**
 * Waits for `work`, or for the end of a process that it needs, so that the start fails at once. `work` may fail because of that end a
 * moment before the end is known: then the end is the error.
 */
async function unlessEnded<T>(needed: readonly Needed[], work: Promise<T>): Promise<T> {
  work.catch(() => {}); // reported by the race, unless a process has ended
  const ends = needed.map(({ failed }) => failed);
  try {
    return await Promise.race([work, ...ends]);
  } catch (error) {
    await Promise.race([...ends, sleep(END_MS)]);
    throw error;
  }
}

/** Starts QEMU with the open devices of its network cards. */
async function spawnQemu(context: Context, { plan, files, netns, journal, macvtaps = [] }: GuestStart): Promise<StartedQemu> {
  const args = qemuCommandLine(plan);
  context.log.debug('starting QEMU', { args: args.join(' ') });
  if (plan.rootReason !== undefined) context.log.info('QEMU runs as root', { reason: plan.rootReason });
  const { environment } = context;
  const confine = (begin: () => ChildProcess): ChildProcess => confined(context, plan, begin);
  const { qemu_own_root: hasOwnRoot } = context.configuration.hypervisor;
  const start = { binary: plan.binary, args, logFile: files.qemuLog, environment, user: plan.user, hasOwnRoot, confine };
  const spawn = (): StartedQemu => withNetworkFds(plan, macvtaps, context.kernel, (inherited) => startQemu({ ...start, inherited }));
  const started = await context.trace.step('QEMU spawn', () => inNetworkNamespace(netns, context.kernel, spawn));
  journal.recordProcess({ undo: 'kill', name: 'qemu', process: started.identity });
  // When the memory limit of a whole sandbox is too small, this process must survive to undo the create.
  setOomScore([started.identity.pid], FIRST_VICTIM, context.log);
  writeFileSync(files.pidFile, `${started.identity.pid}\n`, { mode: 0o600 }); // QEMU knows its pid in its own namespace
  return started;
}

/** A QEMU that answers has created its sockets. The maker of a template writes its code to the directory when it is saved. */
function closeVmDirectory({ configuration, kernel }: Context, { plan, files }: GuestStart, { identity }: Needed): void {
  const isMaker = plan.memoryFile?.shared === true;
  if (configuration.hypervisor.qemu_own_root && !isMaker) closeDirectory(dirname(files.qmpSocket), identity, kernel);
}

/** @throws HypervisorError with the last lines of QEMU's log, TimeoutError, KernelError */
async function openOwnMonitor(context: Context, start: GuestStart, qemu: Needed, needed: readonly Needed[]): Promise<QmpClient> {
  const { plan, files } = start;
  const opened = async (): Promise<QmpClient> => {
    const monitor = await openMonitor(files.qmpSocket, guestTimeout(QMP_TIMEOUT_MS, plan.accelerator));
    closeVmDirectory(context, start, qemu);
    return monitor;
  };
  return context.trace.step('QEMU start', () => unlessEnded(needed, opened()));
}

/** A guest that was booted has not answered in time. Another boot with the same kernel and image would take as long. */
export class BootTimeoutError extends HypervisorError {}

interface AwaitedAgent {
  /** The connection, which was begun when the proxy had started. */
  readonly agent: Promise<AgentConnection>;
  readonly accelerator: VmAgent['accelerator'];
  /** Whether the VM was booted, not loaded from a template. */
  readonly isBooted: boolean;
  /** As in GuestStart. */
  readonly waitedMs: number;
  /** The first call. */
  readonly firstCall: NonNullable<GuestStart['firstCall']>;
}

/** Milliseconds for the first answer. */
const answerTimeout = (accelerator: VmAgent['accelerator'], waitedMs: number): number =>
  Math.ceil(guestTimeout(BOOT_TIMEOUT_MS, accelerator) - waitedMs);

const seconds = (milliseconds: number): number => Math.round(milliseconds / 1000);

const afterWait = (waitedMs: number): string =>
  waitedMs === 0 ? '' : `, after another process had not made the VM template for ${seconds(waitedMs)} s`;

/** Waits for the first answer, which means that the guest has booted. Otherwise the error has the last lines of the guest's console. */
async function awaitAgent(
  needed: readonly Needed[],
  tail: ConsoleTail | undefined,
  { agent: connecting, accelerator, isBooted, waitedMs, firstCall }: AwaitedAgent,
): Promise<AgentConnection> {
  const timeoutMs = answerTimeout(accelerator, waitedMs);
  const deadline = performance.now() + timeoutMs;
  try {
    const agent = await unlessEnded(needed, connecting);
    await unlessEnded(needed, firstCall(agent, Math.max(1, Math.ceil(deadline - performance.now()))));
    return agent;
  } catch (error) {
    const lines = tail?.lastLines() ?? '';
    const seen = lines === '' ? '' : `last lines of the guest's console: ${lines}`;
    if (performance.now() < deadline) throw new HypervisorError('the guest did not start', seen, { cause: error });
    const Failure = isBooted ? BootTimeoutError : HypervisorError;
    throw new Failure(`the guest did not start within ${seconds(timeoutMs)} s${afterWait(waitedMs)}`, seen, { cause: error });
  }
}

interface SpawnedGuest {
  readonly qemu: Needed;
  /** Of the console. */
  readonly tail: ConsoleTail | undefined;
  readonly proxy: Needed;
  readonly daemon?: StartedDaemon;
  readonly agent: Promise<AgentConnection>;
}

/** Connects beside the load of a state, so that a clone finds the connection when it runs. The error is reported to who awaits the connection. */
function beginToConnect({ trace }: Context, { plan: { accelerator }, files, state, waitedMs = 0 }: GuestStart): Promise<AgentConnection> {
  const options = { connectTimeoutMs: answerTimeout(accelerator, waitedMs), trace, isEager: state !== undefined };
  const agent = connectAgentOfVm({ url: urlOf(files), accelerator }, options);
  agent.catch(() => {});
  return agent;
}

/** For the processes that are started from now on. @throws KataError */
function forbidCalls({ configuration: { hypervisor, proxy }, kernel }: Context): void {
  const isFiltered = hypervisor.seccompsandbox !== '';
  if (isFiltered) applyPart('seccomp', () => forbidSharedCalls(kernel));
  if (isFiltered || proxy.confine) applyPart(isFiltered ? 'seccomp' : 'proxy', () => forbidIoUring(kernel));
}

/** Starts the processes, and loads the VM's state if there is one. The processes are in the journal when it fails. */
async function spawnGuest(context: Context, start: GuestStart): Promise<SpawnedGuest> {
  forbidCalls(context); // before virtiofsd and QEMU
  const daemon = startVirtiofsd(context, { ...start, directory: start.files.vm });
  const qemu = await spawnQemu(context, start);
  const needed = [...(daemon ? [daemon] : []), qemu]; // QEMU ends when its daemon ends at the start: the daemon's log has the reason
  const monitor = await openOwnMonitor(context, start, qemu, needed);
  const tail = follow(context, start.files); // before the proxy, who is the console's next reader
  try {
    // QEMU's answer means that it has created all sockets: 1.x's proxy connects to kata.sock once, and ends when that fails.
    const proxy = await context.trace.step('proxy spawn', () => startProxy(context, start, { qemu, daemon }));
    const agent = beginToConnect(context, start);
    const timeoutMs = guestTimeout(STATE_TIMEOUT_MS, start.plan.accelerator);
    const { state } = start;
    if (state !== undefined)
      await context.trace.step('state load', () =>
        unlessEnded([...needed, proxy], loadState(monitor, { path: state, timeoutMs }, context.kernel)),
      );
    return { qemu, proxy, tail, agent, ...(daemon && { daemon }) };
  } catch (error) {
    tail?.close();
    throw error;
  } finally {
    monitor.close();
  }
}

/** Its processes are in the journal when it fails. @throws HypervisorError, TimeoutError, KataError */
export async function startGuest(context: Context, start: GuestStart): Promise<RunningVm> {
  const { qemu, proxy, daemon, tail, agent: connecting } = await spawnGuest(context, start);
  try {
    const needed = [...(daemon ? [daemon] : []), qemu, proxy];
    const { waitedMs = 0, firstCall = (connected, deadlineMs) => connected.check({ deadlineMs }) } = start;
    const agent = await context.trace.step('first answer', () =>
      awaitAgent(needed, tail, {
        agent: connecting,
        accelerator: start.plan.accelerator,
        isBooted: start.state === undefined,
        waitedMs,
        firstCall,
      }),
    );
    return {
      plan: start.plan,
      vm: qemu.identity,
      proxy: proxy.identity,
      url: urlOf(start.files),
      agent,
      ...(daemon && { virtiofsd: daemon.identity }),
    };
  } finally {
    tail?.close();
  }
}

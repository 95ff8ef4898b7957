/** The shim's main function: connects, relays, waits, and exits with the process's code. */
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { agentErrors } from '@kata-containers/common/agent-api/agent-errors';
import { cgroupOf } from '@kata-containers/common/cgroups/cgroup';
import { oomKillsFile, openOomKills } from '@kata-containers/common/cgroups/oom-kills';
import { asksForHelp, goFlagsUsage } from '@kata-containers/common/command-lines/go-flags';
import {
  DUTIES_VARIABLE,
  TITLE_VARIABLE,
  parseShimCommandLine,
  parseShimDuties,
  shimFlags,
} from '@kata-containers/common/command-lines/shim-command-line';
import type { ShimDuties, ShimOptions } from '@kata-containers/common/command-lines/shim-command-line';
import { confineProcess, isConfined } from '@kata-containers/common/confinement/confine-process';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError, UsageError } from '@kata-containers/common/errors/kata-error';
import { GrpcClient } from '@kata-containers/common/grpc/grpc-client';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { createLogger, parseLevel } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { connectSyslog, openSyslog } from '@kata-containers/common/logging/syslog';
import { setProcessTitle } from '@kata-containers/common/kernel/process-title';
import { limitMemory } from '@kata-containers/common/process/limit-memory';
import { openProcessTrace } from '@kata-containers/common/tracing/process-trace';
import type { ProcessTrace } from '@kata-containers/common/tracing/process-trace';
import type { Trace } from '@kata-containers/common/tracing/trace';
import { version } from '@kata-containers/common/version';
import { awaitBegin } from './await-begin.ts';
import { RemoteProcess } from './remote-process.ts';
import type { ExitStatus, OutputName } from './remote-process.ts';
import { copyInput, openBufferedInput } from './copy-input.ts';
import type { BufferedInput } from './copy-input.ts';
import { copyOutput } from './copy-output.ts';
import { isSandboxEnd } from './is-sandbox-end.ts';
import { enlargePipes, openOutput } from './open-stdio.ts';
import { relaySignals } from './relay-signals.ts';
import type { RuntimeHelper } from './runtime-helper.ts';
import { serveSandbox } from './serve-sandbox.ts';
import { startReport } from './start-report.ts';
import { takeTerminal } from './terminal.ts';

/** Exit code when the exit code of the process is unknown, as in ssh(1). */
const LOST_EXIT = 255;
/** 128 + SIGKILL: the host has OOM-killed QEMU. */
const OOM_EXIT = 137;
const FAILURE_EXIT = 1;
/** Longer than the start of kata-runtime and its timeout for the engine. */
const OOM_REPORT_TIMEOUT_MS = 5000;
const AF_INET = 2;
const NAME = 'kata-shim';

function checkOptions(options: ShimOptions): void {
  for (const [flag, value] of [
    ['agent', options.agent],
    ['container', options.container],
    ['exec-id', options.execId],
  ]) {
    if (value === '') throw new UsageError(`${flag} must be given`);
  }
  if (!options.agent.startsWith('unix://')) throw new UsageError(`invalid agent address: ${options.agent}`);
}

/** Logs to syslog only: stdio belongs to the process. */
function openLog(options: ShimOptions): Logger {
  const level = options.debug ? 'debug' : parseLevel(options.log);
  if (level === undefined) throw new UsageError(`not a valid log level: "${options.log}"`);
  const fields = { name: NAME, pid: process.pid, source: 'shim', container: options.container, 'exec-id': options.execId };
  return createLogger({ format: 'text', level, write: openSyslog(NAME), precision: 'nanoseconds', fields });
}

interface Stdio {
  readonly input: BufferedInput;
  /** Without a writer when the fd is closed. */
  readonly outputs: readonly (readonly [name: OutputName, output: Writable | undefined])[];
}

/** Call it before the process is confined: a pipe is opened a second time by its path in /proc. */
const openStdio = ({ terminal }: ShimOptions): Stdio => ({
  input: openBufferedInput(0),
  outputs: [['stdout', openOutput(1)], ...(terminal ? [] : [['stderr', openOutput(2)] as const])],
});

/** Copies all output before it requests the status: the agent removes a process after the answer with the status. */
async function relay(target: RemoteProcess, { input, outputs }: Stdio, trace: Trace, log: Logger): Promise<ExitStatus> {
  copyInput(target, input).catch((error: unknown) => log.info('stdin has ended', { reason: errorMessage(error) }));
  const streams = outputs.map(([name, output]) => copyOutput(target, name, output, log));
  limitMemory();
  await trace.step('output', () => Promise.all(streams));
  return target.exit ?? trace.call('WaitProcess', (additions) => target.wait(additions));
}

/** When the VM is lost and a process of QEMU's cgroup was OOM-killed, that process was QEMU. */
function lostExit(countOomKills: () => number, log: Logger): number {
  if (countOomKills() === 0) return LOST_EXIT;
  log.error('the VM was OOM-killed by the host');
  return OOM_EXIT;
}

/** The DNS relay, if the shim has one, creates sockets to docker's resolver later. */
function confine(duties: ShimDuties): void {
  connectSyslog(NAME);
  confineProcess({ sockets: duties.resolvConf === undefined ? [] : [AF_INET], setting: 'confine = false in [shim.kata]' }, linuxKernel);
}

async function connect(options: ShimOptions, onConnect: () => void): Promise<RemoteProcess> {
  const agent = await GrpcClient.connect(socketPath(options.agent), { errors: agentErrors, onConnect });
  return new RemoteProcess(agent, options.container, options.execId);
}

/** Only the shim of a container's first process has a helper. Other shims do not load the code for it. */
async function connectHelper({ helper, named }: ShimDuties, log: Logger): Promise<RuntimeHelper | undefined> {
  if (helper === undefined) return undefined;
  const { RuntimeHelper } = await import('./runtime-helper.ts');
  return new RuntimeHelper(helper, named === true, log);
}

/** Reports the OOM kill before the shim ends. With the timeout, an engine that does not answer cannot delay the end of the container. */
async function reportOomKill(helper: RuntimeHelper, log: Logger): Promise<void> {
  const code = await Promise.race([helper.run('oom'), setTimeout(OOM_REPORT_TIMEOUT_MS)]);
  if (code !== 0) log.warn("the OOM kill was not reported to the engine; kata-runtime's log has the cause");
}

interface Following {
  /** The file with the number of OOM kills in QEMU's cgroup; undefined when QEMU is in the shim's cgroup. */
  readonly oomKills: string | undefined;
  readonly trace: ProcessTrace;
  /** Whether the process exists in the guest. */
  readonly begun: Promise<boolean>;
  readonly onConnect: () => void;
  readonly onProcess: (target: RemoteProcess) => void;
  readonly onOomKill: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Errors are never printed on stdio, which belongs to the process. */
async function connectAndRelay(
  options: ShimOptions,
  { oomKills, trace, begun, onConnect, onProcess, onOomKill, onFailure }: Following,
  log: Logger,
): Promise<number> {
  const countOomKills = openOomKills(oomKills ?? oomKillsFile(cgroupOf('self')));
  const stdio = openStdio(options);
  try {
    const target = await trace.step('connect', () => connect(options, onConnect));
    if (!(await begun)) return FAILURE_EXIT;
    onProcess(target);
    if (options.terminal) takeTerminal(target, linuxKernel, log);
    const { code, isOomKilled } = await relay(target, stdio, trace, log);
    if (isOomKilled) await onOomKill();
    trace.end();
    return options.proxyExitCode ? code & 0xff : 0;
  } catch (error) {
    if (isSandboxEnd(error)) log.info('the sandbox has ended before the process');
    else log.error('the connection to the process is lost', { reason: errorMessage(error) });
    onFailure(error);
    trace.end(error);
    return error instanceof AgentError ? lostExit(countOomKills, log) : FAILURE_EXIT;
  }
}

/** @throws UsageError */
export async function runShim(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  process.on('SIGUSR1', () => {}); // without a handler SIGUSR1 starts a debugger of some engines
  if (asksForHelp(argv)) {
    writeSync(1, goFlagsUsage('kata-shim', shimFlags));
    return 0;
  }
  const options = parseShimCommandLine(argv);
  if (options.version) {
    writeSync(1, `kata-shim version ${version}\n`);
    return 0;
  }
  checkOptions(options);
  const isToConfine = isConfined(environment, linuxKernel); // may start the program again
  const log = openLog(options);
  const target = Promise.withResolvers<RemoteProcess>();
  relaySignals(target.promise, log);
  const { [TITLE_VARIABLE]: title = '' } = environment;
  if (title !== '') setProcessTitle(title);
  const duties = parseShimDuties(environment[DUTIES_VARIABLE] ?? '{}');
  const report = startReport(duties.report);
  const helper = await connectHelper(duties, log);
  await serveSandbox({ agentPath: socketPath(options.agent), helper, kernel: linuxKernel }, duties, log);
  enlargePipes([0, 1, 2], linuxKernel);
  const following: Following = {
    oomKills: duties.oomKills,
    trace: await openProcessTrace(NAME, environment),
    begun: awaitBegin(duties.begin),
    onProcess: target.resolve,
    onConnect: () => {
      if (isToConfine) confine(duties);
      report.succeeded();
    },
    onFailure: report.failed,
    onOomKill: async () => {
      if (helper && duties.requests.includes('oom')) await reportOomKill(helper, log);
    },
  };
  return connectAndRelay(options, following, log);
}

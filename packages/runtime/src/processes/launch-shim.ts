/** Starts kata-shim with 1.x's command line. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { DUTIES_VARIABLE, TITLE_VARIABLE, buildShimCommandLine } from '@kata-containers/common/command-lines/shim-command-line';
import type { ShimDuties } from '@kata-containers/common/command-lines/shim-command-line';
import { confinementEnvironment } from '@kata-containers/common/confinement/confine-process';
import { forbidIoUring } from '@kata-containers/common/confinement/forbid-io-uring';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { signalProcess } from '@kata-containers/common/process/process-identity';
import { applyPart } from '../configuration/confinement-parts.ts';
import { awaitExitCode } from './exit-code.ts';
import type { ShimHelper } from './shim-helper.ts';
import { awaitShimReport } from './shim-report.ts';
import { inShimNamespaces, spawnDetached } from './spawn-detached.ts';
import type { ShimNamespaces, SpawnedProcess } from './spawn-detached.ts';

/** The first fd after stdio. */
const FIRST_FD = 3;

export interface ShimRequest {
  readonly binary: string;
  readonly agentUrl: string;
  readonly containerId: string;
  readonly execId: string;
  /** The process's arguments. */
  readonly args: readonly string[];
  readonly terminal: boolean;
  readonly debug: boolean;
  /** The environment has where its spans go. */
  readonly trace: boolean;
  readonly confine: boolean;
  /** The program reports its start and waits for `begin` (isWaitingShim). */
  readonly waits: boolean;
  readonly namespaces: ShimNamespaces;
  /** Path of the terminal that becomes its stdio; without one it inherits the runtime's. */
  readonly console: string | undefined;
  /** True when the caller does not read the output: a terminal without a console. */
  readonly quiet: boolean;
  /** The file with the number of OOM kills in QEMU's cgroup. */
  readonly oomKills?: string | undefined;
  /** The container's resolv.conf, for a shim that relays DNS. */
  readonly resolvConf?: string | undefined;
  /** The shim inherits its socket. */
  readonly helper?: Pick<ShimHelper, 'socket' | 'requests'> | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

export interface StartedShim extends SpawnedProcess {
  /** Resolves when the shim has confined itself, or at once for a shim that does not report. Rejects with a KataError when that failed. */
  readonly ready: Promise<void>;
  /** The process exists in the guest: the shim may call the agent for it. */
  begin(): void;
  /** Ends the shim of a process that does not exist, or that is killed. */
  abandon(): Promise<void>;
}

/** A shim's own command line has room for some hundred bytes; one environment variable takes 128 KiB (execve(2)). */
const TITLE_LENGTH = 1024;
const shimTitle = (args: readonly string[]): string => args.join(' ').slice(0, TITLE_LENGTH);

/** Fds of a shim that waits for its process. */
interface ShimPipes {
  readonly report: number;
  readonly begin: number;
}

/** The fds that a shim inherits after stdio. */
const inheritedFds = ({ helper }: ShimRequest, pipes: ShimPipes | undefined): number[] => [
  ...(pipes ? [pipes.report, pipes.begin] : []),
  ...(helper ? [helper.socket] : []),
];

function dutiesOf(request: ShimRequest, pipes: ShimPipes | undefined): NodeJS.ProcessEnv {
  const { oomKills, resolvConf, helper } = request;
  if (resolvConf === undefined && !helper && !pipes) return {};
  const inherited = inheritedFds(request, pipes);
  const place = (fd: number): number => FIRST_FD + inherited.indexOf(fd);
  const duties: ShimDuties = {
    ...(pipes && { report: place(pipes.report), begin: place(pipes.begin) }),
    ...(oomKills !== undefined && { oomKills }),
    ...(resolvConf !== undefined && { resolvConf }),
    ...(helper && { helper: place(helper.socket), named: true }),
    requests: helper?.requests ?? [],
  };
  return { [DUTIES_VARIABLE]: JSON.stringify(duties) };
}

type ShimKernel = Pick<Kernel, 'setns' | 'unshare' | 'filterSystemCalls' | 'pipe'>;

/** Starts the shim of one process: engines see its pid as the container's. @throws KataError, KernelError */
export function launchShim(request: ShimRequest, kernel: ShimKernel): StartedShim {
  if (request.confine) applyPart('shim', () => forbidIoUring(kernel));
  return request.waits ? launchWaitingShim(request, kernel) : launchOtherShim(request, kernel);
}

function launchOtherShim(request: ShimRequest, kernel: ShimKernel): StartedShim {
  const started = spawnShim(request, undefined, kernel);
  return { ...started, ready: Promise.resolve(), begin() {}, abandon: () => endShim(started) };
}

function launchWaitingShim(request: ShimRequest, kernel: ShimKernel): StartedShim {
  const [reading, report] = kernel.pipe(0);
  const [begin, writing] = kernel.pipe(0);
  try {
    const started = spawnShim(request, { report, begin }, kernel);
    const ready = awaitShimReport(reading);
    ready.catch(() => {}); // reported by the promise
    return { ...started, ready, begin: () => writeBegin(writing), abandon: () => endShim(started) };
  } catch (error) {
    for (const fd of [reading, writing]) closeSync(fd);
    throw error;
  } finally {
    for (const fd of [report, begin]) closeSync(fd);
  }
}

function writeBegin(pipe: number): void {
  try {
    writeSync(pipe, '1');
  } catch {
    // The shim has ended: its report has the reason.
  }
  closeSync(pipe);
}

/** Waits for the end: otherwise the caller's parent would inherit a zombie. */
async function endShim({ identity, child }: SpawnedProcess): Promise<void> {
  signalProcess(identity, 'SIGKILL');
  await awaitExitCode(child);
}

function spawnShim(request: ShimRequest, pipes: ShimPipes | undefined, kernel: ShimKernel): SpawnedProcess {
  const { binary, console: terminal } = request;
  const environment = {
    ...request.environment,
    ...confinementEnvironment(request.confine),
    [TITLE_VARIABLE]: shimTitle(request.args),
    ...dutiesOf(request, pipes),
  };
  const args = buildShimCommandLine({
    agent: request.agentUrl,
    container: request.containerId,
    execId: request.execId,
    terminal: request.terminal,
    debug: request.debug,
    trace: request.trace,
  });
  const shim = terminal === undefined ? { binary, args } : { binary: 'setsid', args: ['--ctty', binary, ...args] };
  const tty = terminal === undefined ? undefined : openSync(terminal, constants.O_RDWR | constants.O_NOCTTY);
  const own = tty ?? (request.quiet ? 'ignore' : 'inherit');
  const stdio = [own, own, own, ...inheritedFds(request, pipes)] as const;
  try {
    // A session leader cannot be made one again: with a console, setsid(1) makes the session and takes the terminal. Who is at the caller's
    // terminal stays in its session, for its size; all others get no signal by it: the caller hands them on.
    return inShimNamespaces(request.namespaces, kernel, () =>
      spawnDetached({
        ...shim,
        stdio: [...stdio],
        detached: terminal === undefined && !(request.terminal && !request.quiet),
        environment,
      }),
    );
  } finally {
    if (tty !== undefined) closeSync(tty);
  }
}

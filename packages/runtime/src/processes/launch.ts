/** Starts kata-proxy and kata-shim with 1.x's command lines. */
import { closeSync, constants, openSync } from 'node:fs';
import {
  CONSOLE_VARIABLE,
  PORT_FORWARD_VARIABLE,
  QEMU_PIDFD_VARIABLE,
  VIRTIOFSD_PIDFD_VARIABLE,
  buildProxyCommandLine,
} from '@kata-containers/common/command-lines/proxy-command-line';
import { confinementEnvironment } from '@kata-containers/common/confinement/confine-process';
import { forbidIoUring } from '@kata-containers/common/confinement/forbid-io-uring';
import { DUTIES_VARIABLE, TITLE_VARIABLE, buildShimCommandLine } from '@kata-containers/common/command-lines/shim-command-line';
import type { ShimDuties } from '@kata-containers/common/command-lines/shim-command-line';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { applyPart } from '../configuration/confinement-parts.ts';
import type { SandboxPaths } from '../context/paths.ts';
import type { ShimHelper } from './shim-helper.ts';
import { awaitShimReport } from './shim-report.ts';
import { inShimNamespaces, spawnDetached } from './spawn-detached.ts';
import type { ShimNamespaces, SpawnedProcess } from './spawn-detached.ts';

/** Child processes get a minimal environment: PATH, and no variable that slows Node's start or changes its behaviour. */
export const childEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: environment['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
});

/** Pidfds that a proxy inherits. */
export interface ProxyPidfds {
  /** The proxy logs how this process ended. */
  readonly qemu?: number | undefined;
  /** The proxy ends with this process. */
  readonly virtiofsd?: number | undefined;
}

/** The first fd after stdio. */
const FIRST_FD = 3;

function inheritedPidfds({ qemu, virtiofsd }: ProxyPidfds): { readonly fds: number[]; readonly environment: NodeJS.ProcessEnv } {
  const fds = [qemu, virtiofsd].filter((fd) => fd !== undefined);
  const variables = [...(qemu === undefined ? [] : [QEMU_PIDFD_VARIABLE]), ...(virtiofsd === undefined ? [] : [VIRTIOFSD_PIDFD_VARIABLE])];
  return { fds, environment: Object.fromEntries(variables.map((variable, index) => [variable, String(FIRST_FD + index)])) };
}

/** Starts the sandbox's proxy, with stderr in a file. */
export function launchProxy(
  binary: string,
  sandboxId: string,
  paths: Pick<SandboxPaths, 'proxySocket' | 'agentSocket' | 'consoleSocket' | 'vm'>,
  options: { debug: boolean; confine: boolean; forwardsPorts: boolean; environment: NodeJS.ProcessEnv; pidfds: ProxyPidfds },
): SpawnedProcess {
  const args = buildProxyCommandLine({
    listenSocket: `unix://${paths.proxySocket}`,
    muxSocket: paths.agentSocket,
    sandbox: sandboxId,
    ...(options.debug && { agentLogsSocket: paths.consoleSocket }),
  });
  const log = openSync(`${paths.vm}/proxy.log`, 'a', 0o600);
  try {
    const { debug, confine, forwardsPorts } = options;
    const inherited = inheritedPidfds(options.pidfds);
    const stdio = ['ignore', 'ignore', log, ...inherited.fds] as const;
    const environment = {
      ...options.environment,
      ...confinementEnvironment(confine),
      ...(forwardsPorts && { [PORT_FORWARD_VARIABLE]: 'on' }),
      ...(!debug && { [CONSOLE_VARIABLE]: paths.consoleSocket }), // with debug it logs the whole console
      ...inherited.environment,
    };
    return spawnDetached({ binary, args, stdio: [...stdio], detached: true, environment });
  } finally {
    closeSync(log);
  }
}

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
  readonly namespaces: ShimNamespaces;
  /** Path of the terminal that becomes its stdio; without one it inherits the runtime's. */
  readonly console: string | undefined;
  /** True when the caller does not read the output: a terminal without a console. */
  readonly quiet: boolean;
  /** The container's resolv.conf, for a shim that relays DNS. */
  readonly resolvConf?: string | undefined;
  /** The shim inherits its socket. */
  readonly helper?: Pick<ShimHelper, 'socket' | 'requests'> | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

export interface StartedShim extends SpawnedProcess {
  /** Resolves when the shim has confined itself. Rejects with a KataError when that failed. */
  readonly confined: Promise<void>;
}

/** A shim's own command line has room for some hundred bytes; one environment variable takes 128 KiB (execve(2)). */
const TITLE_LENGTH = 1024;
const shimTitle = (args: readonly string[]): string => args.join(' ').slice(0, TITLE_LENGTH);

/** `report`: whether the first fd after stdio is the pipe for the report. */
function dutiesOf({ resolvConf, helper }: ShimRequest, report: boolean): NodeJS.ProcessEnv {
  if (resolvConf === undefined && !helper && !report) return {};
  const duties: ShimDuties = {
    ...(report && { report: FIRST_FD }),
    ...(resolvConf !== undefined && { resolvConf }),
    ...(helper && { helper: FIRST_FD + (report ? 1 : 0), named: true }),
    requests: helper?.requests ?? [],
  };
  return { [DUTIES_VARIABLE]: JSON.stringify(duties) };
}

type ShimKernel = Pick<Kernel, 'setns' | 'unshare' | 'filterSystemCalls' | 'pipe'>;

/** Starts the shim of one process: engines see its pid as the container's. @throws KataError, KernelError */
export function launchShim(request: ShimRequest, kernel: ShimKernel): StartedShim {
  if (!request.confine) return { ...spawnShim(request, undefined, kernel), confined: Promise.resolve() };
  applyPart('shim', () => forbidIoUring(kernel));
  const [reading, report] = kernel.pipe(0);
  try {
    const started = spawnShim(request, report, kernel);
    const confined = awaitShimReport(reading);
    confined.catch(() => {}); // reported by the promise
    return { ...started, confined };
  } catch (error) {
    closeSync(reading);
    throw error;
  } finally {
    closeSync(report);
  }
}

function spawnShim(request: ShimRequest, report: number | undefined, kernel: ShimKernel): SpawnedProcess {
  const { binary, console: terminal, helper } = request;
  const environment = {
    ...request.environment,
    ...confinementEnvironment(request.confine),
    [TITLE_VARIABLE]: shimTitle(request.args),
    ...dutiesOf(request, report !== undefined),
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
  const stdio = [own, own, own, ...(report === undefined ? [] : [report]), ...(helper ? [helper.socket] : [])] as const;
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

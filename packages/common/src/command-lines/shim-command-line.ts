/** The command line of kata-shim: written by the runtime, read by the shim, interchangeable with 1.x's on either side. */
import { UsageError } from '../errors/kata-error.ts';
import { parseGoFlags } from './go-flags.ts';
import type { GoFlag } from './go-flags.ts';

export interface ShimOptions {
  /** URI of the agent: unix:///…/proxy.sock. */
  readonly agent: string;
  readonly container: string;
  readonly execId: string;
  readonly terminal: boolean;
  readonly log: string;
  readonly debug: boolean;
  readonly trace: boolean;
  /** Exit with the process's own status; otherwise with 0. */
  readonly proxyExitCode: boolean;
  readonly agentLogsSocket: string;
  readonly version: boolean;
}

export const shimFlags: readonly GoFlag[] = [
  { name: 'agent', kind: 'string', description: 'agent gRPC socket, as unix:///path', default: '' },
  { name: 'container', kind: 'string', description: 'container ID', default: '' },
  { name: 'exec-id', kind: 'string', description: 'process ID inside the container', default: '' },
  { name: 'terminal', kind: 'boolean', description: 'the process has a terminal', default: false },
  {
    name: 'log',
    kind: 'string',
    description: 'log messages above the specified level: debug, info, warn, error, fatal or panic',
    default: 'warn',
  },
  { name: 'debug', kind: 'boolean', description: 'enable debug mode', default: false },
  { name: 'trace', kind: 'boolean', description: 'enable tracing', default: false },
  { name: 'proxy-exit-code', kind: 'boolean', description: "exit with the process' exit code", default: true },
  { name: 'agent-logs-socket', kind: 'string', description: 'socket of the guest console (vsock only)', default: '' },
  { name: 'version', kind: 'boolean', description: 'show version and exit', default: false },
];

/** @throws UsageError */
export function parseShimCommandLine(argv: readonly string[]): ShimOptions {
  const flags = parseGoFlags('kata-shim', argv, shimFlags);
  const text = (name: string): string => String(flags[name] ?? '');
  return {
    agent: text('agent'),
    container: text('container'),
    execId: text('exec-id'),
    terminal: flags['terminal'] === true,
    log: text('log'),
    debug: flags['debug'] === true,
    trace: flags['trace'] === true,
    proxyExitCode: flags['proxy-exit-code'] === true,
    agentLogsSocket: text('agent-logs-socket'),
    version: flags['version'] === true,
  };
}

/** The arguments after the program's name, in 1.x's order. */
export function buildShimCommandLine(options: {
  readonly agent: string;
  readonly container: string;
  readonly execId: string;
  readonly terminal: boolean;
  readonly debug: boolean;
  readonly trace?: boolean;
}): string[] {
  const args = ['-agent', options.agent, '-container', options.container, '-exec-id', options.execId];
  if (options.terminal) args.push('-terminal');
  if (options.debug) args.push('-log', 'debug');
  if (options.trace === true) args.push('-trace');
  return args;
}

/**
 * Environment variable with the command line of the shim's process, which `ps` and `docker top` show as the shim's command line. 1.x's shim
 * ignores it.
 */
export const TITLE_VARIABLE = 'KATA_SHIM_TITLE';

/** Environment variable with a `ShimDuties` as JSON. 1.x's shim ignores it. */
export const DUTIES_VARIABLE = 'KATA_SHIM_DUTIES';

/**
 * A program that contains this text knows `report` and `begin` of ShimDuties. A program without it, such as the shim of 1.x, gets neither,
 * and is started when its process exists in the guest.
 */
export const WAITING_SHIM = `${DUTIES_VARIABLE}=report,begin`;

/** The shim's report that it has started. Any other report is an error. */
export const SHIM_STARTED = 'started';

/**
 * Requests to the helper of the runtime. `network`: give the VM the changes of its network namespace. `oom`: report to the engine that a
 * process of the container was OOM-killed in the guest.
 */
const helperRequests = ['network', 'oom'] as const;

/**
 * First word of a request whose sender understands answers with a name. Then `network` does not delay `oom`, and the answers arrive in the
 * order in which the commands end.
 */
export const NAMED = 'named';

export type HelperRequest = (typeof helperRequests)[number];

/** Tasks of a shim besides representing its process. The shim runs in the sandbox's network namespace. */
export interface ShimDuties {
  /** fd of a pipe to the runtime. The shim writes SHIM_STARTED when it has confined itself, or an error, and closes the fd. */
  readonly report?: number;
  /**
   * fd of a pipe from the runtime. The shim does not call the agent for its process before it has read a byte. At an end of file without a
   * byte it ends: the process does not exist.
   */
  readonly begin?: number;
  /** The file with the number of OOM kills in QEMU's cgroup. The shim itself may start in another cgroup, and is moved. */
  readonly oomKills?: string;
  /** The container's resolv.conf on the host: DNS is relayed when it names docker's resolver. */
  readonly resolvConf?: string;
  /**
   * fd of the socket to the runtime's helper. Each request is a line, either the name of a request or `NAMED` and the name. The helper
   * answers with a line that has the exit code of the command, after `NAMED` with the name of the request before the code.
   */
  readonly helper?: number;
  /** Whether the helper knows `NAMED`. */
  readonly named?: boolean;
  /** The requests that the helper knows. */
  readonly requests: readonly HelperRequest[];
}

/** @throws UsageError */
export function parseShimDuties(text: string): ShimDuties {
  try {
    const { report, begin, oomKills, resolvConf, helper, named, requests } = JSON.parse(text) as Partial<Record<keyof ShimDuties, unknown>>;
    return {
      ...(typeof report === 'number' && { report }),
      ...(typeof begin === 'number' && { begin }),
      ...(typeof oomKills === 'string' && { oomKills }),
      ...(typeof resolvConf === 'string' && { resolvConf }),
      ...(typeof helper === 'number' && { helper }),
      ...(named === true && { named }),
      requests: helperRequests.filter((request) => Array.isArray(requests) && requests.includes(request)),
    };
  } catch {
    throw new UsageError(`${DUTIES_VARIABLE} is not JSON`);
  }
}

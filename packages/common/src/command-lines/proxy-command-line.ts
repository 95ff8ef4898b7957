/** The command line of kata-proxy: written by the runtime, read by the proxy, interchangeable with 1.x's on either side. */
import { parseGoFlags } from './go-flags.ts';
import type { GoFlag } from './go-flags.ts';

export interface ProxyOptions {
  /** URI that the proxy listens on, for agent clients. */
  readonly listenSocket: string | undefined;
  /** URI of QEMU's chardev socket behind which the agent speaks yamux. */
  readonly muxSocket: string | undefined;
  /** URI of QEMU's console socket; each line becomes a log record. */
  readonly agentLogsSocket: string | undefined;
  readonly sandbox: string;
  readonly log: string;
  readonly debug: boolean;
  readonly version: boolean;
}

export const proxyFlags: readonly GoFlag[] = [
  { name: 'listen-socket', kind: 'string', description: 'proxy listen socket, as unix:///path' },
  { name: 'mux-socket', kind: 'string', description: 'multiplexed socket of the guest, as unix:///path' },
  { name: 'agent-logs-socket', kind: 'string', description: 'socket of the guest console, to log what the agent says' },
  { name: 'sandbox', kind: 'string', description: 'sandbox ID, a field of each log record', default: '' },
  {
    name: 'log',
    kind: 'string',
    description: 'log messages above the specified level: debug, info, warn, error, fatal or panic',
    default: 'warn',
  },
  { name: 'debug', kind: 'boolean', description: 'enable debug mode', default: false },
  { name: 'version', kind: 'boolean', description: 'show version and exit', default: false },
];

/** @throws UsageError */
export function parseProxyCommandLine(argv: readonly string[]): ProxyOptions {
  const flags = parseGoFlags('kata-proxy', argv, proxyFlags);
  const text = (name: string): string | undefined => (typeof flags[name] === 'string' ? flags[name] : undefined);
  return {
    listenSocket: text('listen-socket'),
    muxSocket: text('mux-socket'),
    agentLogsSocket: text('agent-logs-socket'),
    sandbox: text('sandbox') ?? '',
    log: text('log') ?? 'warn',
    debug: flags['debug'] === true,
    version: flags['version'] === true,
  };
}

/** The arguments after the program's name, in 1.x's order. */
export function buildProxyCommandLine(options: {
  readonly listenSocket: string;
  readonly muxSocket: string;
  readonly sandbox: string;
  /** Set with proxy debug: the console that is logged. */
  readonly agentLogsSocket?: string;
}): string[] {
  const args = ['-listen-socket', options.listenSocket, '-mux-socket', options.muxSocket, '-sandbox', options.sandbox];
  if (options.agentLogsSocket !== undefined) args.push('-log', 'debug', '-agent-logs-socket', options.agentLogsSocket);
  return args;
}

/** Environment variable that names the fd of a pidfd: the proxy ends with that process. 1.x's proxy ignores it. */
export const VIRTIOFSD_PIDFD_VARIABLE = 'KATA_PROXY_ENDS_WITH';

/** Environment variable that names the fd of QEMU's pidfd: the proxy logs how QEMU ended. */
export const QEMU_PIDFD_VARIABLE = 'KATA_PROXY_QEMU';

/**
 * Environment variable that names the socket of the guest's console, whose last lines the proxy logs when the VM ends by itself. Not an
 * option: 1.x's `-agent-logs-socket` logs every line.
 */
export const CONSOLE_VARIABLE = 'KATA_PROXY_CONSOLE';

/** Environment variable, `on` for the proxy of a pod: it forwards connections to 127.0.0.1 of its network namespace to the guest. */
export const PORT_FORWARD_VARIABLE = 'KATA_PROXY_PORT_FORWARD';

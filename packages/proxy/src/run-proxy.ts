/** The proxy's main function, with the flags and texts of 1.x. It serves until the guest or the runtime ends it. */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { asksForHelp, goFlagsUsage } from '@kata-containers/common/command-lines/go-flags';
import {
  CONSOLE_VARIABLE,
  PORT_FORWARD_VARIABLE,
  parseProxyCommandLine,
  proxyFlags,
} from '@kata-containers/common/command-lines/proxy-command-line';
import type { ProxyOptions } from '@kata-containers/common/command-lines/proxy-command-line';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { cgroupOf } from '@kata-containers/common/cgroups/cgroup';
import { oomKillsFile, openOomKills } from '@kata-containers/common/cgroups/oom-kills';
import { confineProcess, isConfined } from '@kata-containers/common/confinement/confine-process';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { createLogger, parseLevel } from '@kata-containers/common/logging/logger';
import type { Level, Logger } from '@kata-containers/common/logging/logger';
import { connectSyslog, openSyslog } from '@kata-containers/common/logging/syslog';
import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import { limitMemory } from '@kata-containers/common/process/limit-memory';
import { MinorGcPacer } from '@kata-containers/common/process/minor-gc-pacer';
import { openProcessTrace } from '@kata-containers/common/tracing/process-trace';
import type { ProcessTrace } from '@kata-containers/common/tracing/process-trace';
import { version } from '@kata-containers/common/version';
import { forwardPorts } from './forward-ports.ts';
import { GuestConsole } from './guest-console.ts';
import { readConsole } from './console-reader.ts';
import { startHeartbeat } from './heartbeat.ts';
import { listen } from './listener.ts';
import type { Relaying } from './listener.ts';
import { connectMux } from './mux-connection.ts';
import { qemuExit } from './qemu-exit.ts';
import type { QemuExit } from './qemu-exit.ts';
import { ReadBufferPool } from './read-buffer-pool.ts';
import { endText } from './vm-end.ts';
import { VmLogs } from './vm-logs.ts';
import { virtiofsdEnd } from './watch-virtiofsd.ts';
import { endingSignal } from './watch-signals.ts';
import type { Ending } from './watch-signals.ts';

const FATAL_EXIT = 1;
const NAME = 'kata-proxy';
/** Garbage is collected whenever this many bytes of buffers were allocated. */
const COLLECT_BYTES = 2 << 20;

/** Logs to stderr, which the runtime redirects to a file of the VM, and to syslog. */
function openLog(options: ProxyOptions): Logger {
  const least = options.debug ? 'debug' : parseLevel(options.log);
  if (least === undefined) throw new UsageError(`not a valid log level: "${options.log}"`);
  const toSyslog = openSyslog(NAME);
  const write = (line: string, level: Level): void => {
    toSyslog(line, level);
    try {
      writeSync(2, line);
    } catch {
      // A log that cannot be written must not end the sandbox.
    }
  };
  const fields = { name: NAME, pid: process.pid, source: 'proxy', ...(options.sandbox !== '' && { sandbox: options.sandbox }) };
  return createLogger({ format: 'text', level: least, write, precision: 'nanoseconds', fields });
}

interface Sockets {
  readonly mux: string;
  readonly listen: string;
}

interface Service {
  readonly options: ProxyOptions;
  readonly sockets: Sockets;
  /** Resolves when virtiofsd has ended, which also ends the proxy. */
  readonly abandoned: Promise<'abandoned'>;
  /** Socket of the console whose last lines are kept. */
  readonly consoleSocket: string | undefined;
  readonly isConfined: boolean;
  readonly forwardsPorts: boolean;
  readonly trace: ProcessTrace;
  /** To be called when the connection is lost. */
  readonly qemuExit: () => Promise<QemuExit>;
}

function exitCode(reason: Ending | 'abandoned', log: Logger): number {
  if (reason === 'abandoned') log.error('virtiofsd has ended: the guest cannot access its files any more');
  return reason === 'terminated' ? 0 : FATAL_EXIT;
}

/** After this call the process can access only the files and sockets that it has open. */
function confine(): void {
  connectSyslog(NAME);
  confineProcess({ sockets: [], setting: 'confine = false in [proxy.kata]' }, linuxKernel);
}

/** A pod without port-forward is better than no pod: a failure is only logged. */
function openPortForward(relaying: Relaying): readonly (() => void)[] {
  try {
    return [forwardPorts(relaying, linuxKernel)];
  } catch (error) {
    relaying.log.warn('kubectl port-forward does not work for this pod', { reason: errorMessage(error) });
    return [];
  }
}

/** Opens all files and sockets in the turn of the event loop that connects. Reading of the guest begins in the next turn. */
async function serve(service: Service, log: Logger): Promise<number> {
  const { options, sockets, abandoned, trace } = service;
  const garbage = new MinorGcPacer(COLLECT_BYTES);
  const sessions: YamuxSession[] = [];
  const ending = endingSignal(log, () => `${sessions[0]?.streamCount ?? 0} streams`);
  const reading = new ReadBufferPool();
  const over = Promise.race([ending, abandoned]);
  const session = await Promise.race([over, trace.step('connect to QEMU', () => connectMux(sockets.mux, reading, log))]);
  if (typeof session === 'string') return exitCode(session, log);
  sessions.push(session);
  // QEMU creates this socket before the socket to which the proxy has connected, so it exists now.
  if (options.agentLogsSocket !== undefined) readConsole(socketPath(options.agentLogsSocket), log);
  const lost = once(session as unknown as NodeJS.EventEmitter, 'shutdown') as Promise<[Error | undefined]>;
  const logs = new VmLogs(dirname(sockets.mux), log, linuxKernel);
  const guestConsole = new GuestConsole(service.consoleSocket);
  const countOomKills = openOomKills(oomKillsFile(cgroupOf('self')));
  const relaying = { session, reading, garbage, log };
  const servers = [
    ...(service.forwardsPorts ? openPortForward(relaying) : []),
    await trace.step('listen', () => Promise.resolve(listen(sockets.listen, relaying, linuxKernel))),
  ];
  trace.end(); // the rest runs until the end of the sandbox
  if (service.isConfined) confine();
  const stopBeating = startHeartbeat(session);
  limitMemory();
  const reason = await Promise.race([over, lost]);
  stopBeating();
  logs.stop();
  servers.forEach((close) => close());
  if (typeof reason === 'string') {
    session.close();
    return exitCode(reason, log);
  }
  const [lastLines, exit] = await Promise.all([guestConsole.lastLines(), service.qemuExit()]);
  log.error('the connection to the guest is lost: its VM has ended, or it broke the protocol', {
    reason: errorMessage(reason[0] ?? 'end of file'),
    vm: endText({ exit, log: logs.qemuLog(), killedForMemory: countOomKills() > 0 }),
    ...(lastLines !== '' && { console: lastLines }),
  });
  return FATAL_EXIT;
}

/** @throws UsageError */
export async function runProxy(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (asksForHelp(argv)) {
    writeSync(1, goFlagsUsage('kata-proxy', proxyFlags));
    return 0;
  }
  const options = parseProxyCommandLine(argv);
  if (options.version) {
    writeSync(1, `kata-proxy version ${version}\n`);
    return 0;
  }
  if (options.muxSocket === undefined || options.listenSocket === undefined) {
    writeSync(1, 'Option -mux-socket and -listen-socket required\n');
    return 0; // as 1.x does
  }
  const isToConfine = isConfined(environment, linuxKernel); // may start the program again
  const log = openLog(options);
  const sockets = { mux: socketPath(options.muxSocket), listen: socketPath(options.listenSocket) };
  log.info('announce', {
    'agent-logs-socket': options.agentLogsSocket,
    'channel-mux-socket': sockets.mux,
    'proxy-listen-socket': sockets.listen,
    'log-level': options.log,
    debug: options.debug,
    version,
  });
  try {
    const from = {
      abandoned: virtiofsdEnd(environment),
      consoleSocket: environment[CONSOLE_VARIABLE],
      isConfined: isToConfine,
      forwardsPorts: environment[PORT_FORWARD_VARIABLE] === 'on',
      trace: await openProcessTrace(NAME, environment),
      qemuExit: () => qemuExit(environment, linuxKernel),
    };
    return await serve({ options, sockets, ...from }, log);
  } catch (error) {
    log.error('the proxy failed', { reason: errorMessage(error) });
    return FATAL_EXIT;
  }
}

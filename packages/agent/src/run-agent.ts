/** The agent's main function: sets the system up, then serves one connection after the other. In a guest it never returns. */
import { readFileSync, writeSync } from 'node:fs';
import { parseGoFlags } from '@kata-containers/common/command-lines/go-flags';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { createLogger } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { version } from '@kata-containers/common/version';
import { serveSerialChannel } from './channel/serial-channel.ts';
import { serveUnixSocket } from './channel/unix-channel.ts';
import { Reaper } from './processes/reaper.ts';
import { Sandbox } from './containers/sandbox.ts';
import { createServer } from './service/server.ts';
import { parseKernelOptions } from './start-up/parse-kernel-options.ts';
import type { KernelOptions } from './start-up/parse-kernel-options.ts';
import { becomeInit } from './start-up/become-init.ts';

const INIT_PID = 1;

const flags = [
  { name: 'version', kind: 'boolean', description: 'show version and exit' },
  { name: 'listen', kind: 'string', description: 'serve on this unix socket instead of the serial channel (tests)' },
  { name: 'state', kind: 'string', description: 'directory of bundles and namespaces (tests)', default: '/run' },
] as const;

/** PATH of the guest's programs; the kernel passes PID 1 hardly any environment. */
const PATH = '/bin:/sbin/:/usr/bin/:/usr/sbin/';

function openLog(options: KernelOptions): Logger {
  const write = (line: string): void => {
    try {
      writeSync(1, line);
    } catch {
      // A console that accepts no bytes must not block the guest.
    }
  };
  const fields = { name: 'kata-agent', pid: process.pid, source: 'agent' };
  return createLogger({ format: 'text', level: options.logLevel, write, precision: 'nanoseconds', fields });
}

/** Ctrl-C on the guest's console is ignored, as in 1.x. */
function ignoreConsoleSignals(): void {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
}

/** Variables of the launcher (packaging/engine/launch.c), which are not meant for other programs. */
function dropEngineVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) if (/^(BUN|JSC|MIMALLOC)_/.test(name)) delete environment[name];
}

/** SIGUSR1 would make a JavaScript engine open its debugger on a network that the containers share. */
function keepDebuggerShut(): void {
  process.on('SIGUSR1', () => {});
}

/** agent.devmode and agent.debug_console; their code is loaded only when they are set. */
async function openForDevelopers({ devmode, debugConsole }: KernelOptions, reaper: Reaper, log: Logger): Promise<void> {
  if (devmode) linuxKernel.allowCoreDumps();
  if (!debugConsole) return;
  const { serveDebugConsole } = await import('./start-up/debug-console.ts');
  await serveDebugConsole(reaper, log);
}

/** @throws UsageError */
export async function runAgent(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const isInit = process.pid === INIT_PID;
  // PID 1 gets the arguments after "--" of the kernel command line, none of which the agent knows.
  const given = parseGoFlags('kata-agent', isInit ? [] : argv, flags);
  if (given['version'] === true) {
    writeSync(1, `kata-agent version ${version}\n`);
    return 0;
  }
  if (isInit) environment['PATH'] = PATH;
  dropEngineVariables(environment);
  if (isInit) becomeInit(linuxKernel);
  const options = parseKernelOptions(isInit ? readFileSync('/proc/cmdline', 'utf8') : '');
  if (isInit) ignoreConsoleSignals();
  keepDebuggerShut();
  const log = openLog(options);
  for (const warning of options.warnings) log.warn(warning);
  log.info('announce', { version, 'log-level': options.logLevel });
  linuxKernel.becomeSubreaper();
  const reaper = new Reaper(linuxKernel, environment);
  reaper.start();
  openForDevelopers(options, reaper, log).catch((error: unknown) =>
    log.warn('the debugging options have no effect', { reason: String(error) }),
  );
  const sandbox = new Sandbox({
    kernel: linuxKernel,
    reaper,
    log,
    stateDirectory: String(given['state']),
    pipeBytes: options.containerPipeSize,
    hotplugTimeoutMs: options.hotplugTimeoutMs,
    debugShell: options.debugShell,
  });
  const server = createServer(sandbox, options, log);
  if (typeof given['listen'] === 'string') return serveUnixSocket(socketPath(given['listen']), server, log);
  return serveSerialChannel(server, log);
}

/** The shim's life: connect, relay, wait, exit as the process did. */
import { writeSync } from 'node:fs';
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { parseShimCommandLine } from '@kata-containers/common/command-lines/shim-command-line';
import type { ShimOptions } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError, UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { createLogger, parseLevel } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { openSyslog } from '@kata-containers/common/logging/syslog';
import { version } from '@kata-containers/common/version';
import { copyInput } from './copy-input.ts';
import { copyOutput } from './copy-output.ts';
import { relaySignals } from './relay-signals.ts';
import { takeTerminal } from './terminal.ts';

/** Exit code when the process' own cannot be learned any more, as ssh(1) does. */
const LOST_EXIT = 255;

/** The process that a shim stands for. */
export interface RemoteProcess {
  readonly agent: AgentConnection;
  readonly container_id: string;
  readonly exec_id: string;
}

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

/** Never to stdio: that belongs to the process. */
function openLog(options: ShimOptions): Logger {
  const level = options.debug ? 'debug' : parseLevel(options.log);
  if (level === undefined) throw new UsageError(`not a valid log level: "${options.log}"`);
  const fields = { name: 'kata-shim', pid: process.pid, source: 'shim', container: options.container, 'exec-id': options.execId };
  return createLogger({ format: 'text', level, write: openSyslog('kata-shim'), precision: 'nanoseconds', fields });
}

/** All output first, then the status: the agent forgets a process once its status was given. */
async function relay(target: RemoteProcess, terminal: boolean, log: Logger): Promise<number> {
  relaySignals(target, log);
  if (terminal) takeTerminal(target, linuxKernel, log);
  copyInput(target, 0).catch((error: unknown) => log.info('stdin ends', { reason: errorMessage(error) }));
  const streams = [copyOutput(target, 'readStdout', 1, log)];
  if (!terminal) streams.push(copyOutput(target, 'readStderr', 2, log));
  await Promise.all(streams);
  const { status } = await target.agent.call(
    'waitProcess',
    { container_id: target.container_id, exec_id: target.exec_id },
    { deadlineMs: 'none' },
  );
  return status & 0xff;
}

async function connectAndRelay(options: ShimOptions, log: Logger): Promise<number> {
  try {
    const agent = await connectAgent(options.agent, {});
    const status = await relay({ agent, container_id: options.container, exec_id: options.execId }, options.terminal, log);
    return options.proxyExitCode ? status : 0;
  } catch (error) {
    log.error('the process is lost', { reason: errorMessage(error) });
    if (error instanceof AgentError) return LOST_EXIT;
    throw error;
  }
}

/** @throws UsageError */
export async function runShim(argv: readonly string[]): Promise<number> {
  const options = parseShimCommandLine(argv);
  if (options.version) {
    writeSync(1, `kata-shim version ${version}\n`);
    return 0;
  }
  checkOptions(options);
  return connectAndRelay(options, openLog(options));
}

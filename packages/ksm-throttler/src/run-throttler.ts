/** The daemon's life: remember, listen, walk the schedule, put back. */
import { once } from 'node:events';
import { existsSync, mkdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseGoFlags } from '@kata-containers/common/command-lines/go-flags';
import type { GoFlag } from '@kata-containers/common/command-lines/go-flags';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { createLogger, parseLevel } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { version } from '@kata-containers/common/version';
import { serveKicks } from './kick-server.ts';
import { KsmFiles } from './ksm-files.ts';
import { forget, loadSaved, save } from './saved-values.ts';
import { Throttler, realClock } from './throttler.ts';
import { watchSandboxes } from './watch-sandboxes.ts';

const flags: readonly GoFlag[] = [
  {
    name: 'log',
    kind: 'string',
    description: 'log messages above the specified level: debug, info, warn, error, fatal or panic',
    default: 'warn',
  },
  { name: 'uri', kind: 'string', description: 'unix socket to listen on', default: '/var/run/kata-ksm-throttler/ksm.sock' },
  { name: 'root', kind: 'string', description: 'where sandboxes appear', default: '/run/vc' },
  { name: 'ksm', kind: 'string', description: "the kernel's KSM directory (tests)", default: '/sys/kernel/mm/ksm' },
  { name: 'version', kind: 'boolean', description: 'show version and exit', default: false },
];

function openLog(name: string): Logger {
  const level = parseLevel(name);
  if (level === undefined) throw new UsageError(`not a valid log level: "${name}"`);
  const fields = { name: 'kata-ksm-throttler', pid: process.pid, source: 'throttler' };
  return createLogger({ format: 'text', level, write: (line) => writeSync(2, line), precision: 'nanoseconds', fields });
}

/** @throws UsageError, KataError without KSM */
export async function runThrottler(argv: readonly string[]): Promise<number> {
  const given = parseGoFlags('kata-ksm-throttler', argv, flags);
  if (given['version'] === true) {
    writeSync(1, `kata-ksm-throttler version ${version}\n`);
    return 0;
  }
  const log = openLog(String(given['log']));
  const socket = socketPath(String(given['uri']));
  const savedPath = `${socket}.initial`;
  const files = new KsmFiles(String(given['ksm']));
  const initial = loadSaved(savedPath) ?? files.read();
  mkdirSync(dirname(socket), { recursive: true, mode: 0o750 });
  if (existsSync(savedPath)) log.warn('the last daemon did not end in order: its saved values are used');
  save(savedPath, initial);
  const throttler = new Throttler(files, initial, realClock, log);
  const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  const server = await serveKicks(socket, () => throttler.kick());
  const stopWatching = watchSandboxes(String(given['root']), () => throttler.kick(), log);
  throttler.start();
  log.info('announce', { version, uri: socket });
  await ended;
  stopWatching();
  throttler.stop();
  forget(savedPath);
  server.forceShutdown();
  return 0;
}

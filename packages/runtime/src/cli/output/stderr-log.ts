/** The log of commands that users run: on stderr, coloured on a terminal. */
import { writeSync } from 'node:fs';
import { createLogger } from '@kata-containers/common/logging/logger';
import type { Level, Logger } from '@kata-containers/common/logging/logger';
import { isTerminal } from '@kata-containers/common/process/is-terminal';
import { goArchitecture } from '../../host-check/go-architecture.ts';

const STDERR = 2;

export function stderrLog(level: Level): Logger {
  const fields = { name: 'kata-runtime', source: 'runtime', arch: goArchitecture(process.arch), pid: process.pid };
  const write = (line: string): void => void writeSync(STDERR, line);
  return createLogger({ format: isTerminal(STDERR) ? 'terminal' : 'text', level, write, precision: 'seconds', fields });
}

/** The common part of the command lines of daemon and triggers: Go's flags, -h, -version and the log on stderr. */
import { writeSync } from 'node:fs';
import { goFlagsUsage, parseGoFlags } from '@kata-containers/common/command-lines/go-flags';
import type { GoFlag } from '@kata-containers/common/command-lines/go-flags';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { createLogger, parseLevel } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { version } from '@kata-containers/common/version';
import { defaultSocket } from './default-socket.ts';

export const logFlag: GoFlag = {
  name: 'log',
  kind: 'string',
  description: 'log messages above specified level: debug, info, warn, error, fatal or panic',
  default: 'warn',
};
export const uriFlag: GoFlag = { name: 'uri', kind: 'string', description: 'unix socket of the throttler', default: defaultSocket };
export const rootFlag: GoFlag = { name: 'root', kind: 'string', description: 'sandboxes appear below ROOT/sbs', default: '/run/vc' };
const versionFlag: GoFlag = { name: 'version', kind: 'boolean', description: 'print the version and exit', default: false };

export interface ParsedFlags {
  text(name: string): string;
  is(name: string): boolean;
}

/** Reads the flags; undefined after -h or -version, whose text it prints. @throws UsageError */
export function readCommandLine(program: string, argv: readonly string[], flags: readonly GoFlag[]): ParsedFlags | undefined {
  const all = [...flags, versionFlag];
  if (argv.some((arg) => /^--?h(elp)?$/.test(arg))) {
    writeSync(1, goFlagsUsage(program, all));
    return undefined;
  }
  const values = parseGoFlags(program, argv, all);
  if (values['version'] === true) {
    writeSync(1, `${program} version ${version}\n`);
    return undefined;
  }
  return { text: (name) => String(values[name]), is: (name) => values[name] === true };
}

/** @throws UsageError for a level that logrus does not have */
export function openLog(program: string, levelName: string): Logger {
  const level = parseLevel(levelName);
  if (level === undefined) throw new UsageError(`not a valid log level: "${levelName}"`);
  const write = (line: string): void => {
    try {
      writeSync(2, line);
    } catch {
      // A log without a reader must not end the daemon.
    }
  };
  const fields = { name: program, pid: process.pid, source: 'throttler' };
  return createLogger({ format: 'text', level, write, precision: 'nanoseconds', fields });
}

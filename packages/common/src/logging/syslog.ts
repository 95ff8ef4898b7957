/** The local syslog daemon through syslog(3). Without a daemon the C library drops the lines. */
import { bind } from '../kernel/ffi.ts';
import type { Level } from './log-record.ts';

const libc = bind({ openlog: ['pointer', 'int32', 'int32'], syslog: ['int32', 'string', 'string'], tzset: [] });

const LOG_USER = 1 << 3;
/** syslog(3)'s priorities, by which journalctl selects lines. */
export const syslogPriority: Readonly<Record<Level, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
const LOG_PID = 1;
const LOG_NDELAY = 8;
/** Longest line that is sent, in characters. */
const MAX_LINE = 4096;

/** A function that writes lines under `ident`. One ident per process: openlog(3) keeps the pointer. */
export function openSyslog(ident: string): (line: string, level: Level) => void {
  return (line, level) => {
    identity ??= open(ident, LOG_PID);
    libc.syslog(syslogPriority[level], '%s', line.slice(0, MAX_LINE).trimEnd());
  };
}

/** Connects now and reads the time zone, for a process that will lose access to all paths. */
export function connectSyslog(ident: string): void {
  identity = open(ident, LOG_PID | LOG_NDELAY);
  libc.tzset();
}

/** Keeps the memory of openlog's pointer alive. */
let identity: Buffer | undefined;

/** Called for the first line: most processes log nothing. */
function open(ident: string, options: number): Buffer {
  const bytes = Buffer.from(`${ident}\0`);
  libc.openlog(bytes, options, LOG_USER);
  return bytes;
}

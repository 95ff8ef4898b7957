/** The local syslog daemon through syslog(3). Machines without one lose nothing but these lines: the C library drops them. */
import { bind } from '../kernel/ffi.ts';

const libc = bind({ openlog: ['pointer', 'int32', 'int32'], syslog: ['int32', 'string', 'string'] });

const LOG_USER = 1 << 3;
const LOG_INFO = 6;
const LOG_PID = 1;
/** Longest line handed on, in characters. */
const MAX_LINE = 4096;

/** A function that writes lines under `ident`. One ident a process: openlog(3) keeps the pointer it is given. */
export function openSyslog(ident: string): (line: string) => void {
  return (line) => {
    identity ??= open(ident);
    libc.syslog(LOG_INFO, '%s', line.slice(0, MAX_LINE).trimEnd());
  };
}

/** Kept here so that the memory behind openlog's pointer stays. */
let identity: Buffer | undefined;

/** With the first line: most processes have nothing to say. */
function open(ident: string): Buffer {
  const bytes = Buffer.from(`${ident}\0`);
  libc.openlog(bytes, LOG_PID, LOG_USER);
  return bytes;
}

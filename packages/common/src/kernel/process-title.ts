/** Sets the name and command line of this process, which `ps` shows. */
import { readFileSync } from 'node:fs';
import { isBun } from '../process/engine.ts';
import { bind, check } from './ffi.ts';

const libc = bind({ prctl: ['int32', 'pointer', 'uint64', 'uint64', 'uint64'], memcpy: ['uint64', 'pointer', 'uint64'] });
const PR_SET_NAME = 15;
/** Bytes of a name, without the final zero. */
const NAME_BYTES = 15;
/** Fields of /proc/PID/stat (proc(5)), counted from the one after the name: the addresses at which the arguments begin and end. */
const ARG_START = 48 - 3;
const ARG_END = 49 - 3;

/** Sets the name and the command line. A longer command line is cut to the length of the present one. */
export function setProcessTitle(title: string): void {
  if (isBun) setTitleOnBun(Buffer.from(title));
  else process.title = title; // Node sets both
}

/** On Bun, process.title has no effect outside of the process. */
function setTitleOnBun(title: Buffer): void {
  check(libc.prctl(PR_SET_NAME, Buffer.concat([title.subarray(0, NAME_BYTES), Buffer.alloc(1)]), 0n, 0n, 0n), 'prctl', 'PR_SET_NAME');
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [start, end] = [BigInt(fields[ARG_START] ?? 0), BigInt(fields[ARG_END] ?? 0)];
  if (start === 0n || end <= start) return;
  const memory = Buffer.alloc(Number(end - start));
  title.copy(memory, 0, 0, memory.length - 1);
  libc.memcpy(start, memory, end - start);
}

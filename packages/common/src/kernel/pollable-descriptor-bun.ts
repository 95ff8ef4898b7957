/** Reads and writes of an fd that never block, and that leave the flags of fds alone which other processes have as well. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { KernelError } from '../errors/kata-error.ts';
import { descriptorCalls } from './descriptor-calls.ts';
import { bind, errnoName, lastErrno } from './ffi.ts';

const libc = bind({
  read: ['int32', 'pointer', 'uint64'],
  write: ['int32', 'pointer', 'uint64'],
  recv: ['int32', 'pointer', 'uint64', 'int32'],
  send: ['int32', 'pointer', 'uint64', 'int32'],
});
const EINTR = 4;
const EAGAIN = 11;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** /dev/ptmx (Documentation/admin-guide/devices.txt): opening it again would make another terminal. */
const PTMX = 0x502;
const LAST_OF_STDIO = 2;

export type Direction = 'read' | 'write' | 'both';
const openFlags = { read: constants.O_RDONLY, write: constants.O_WRONLY, both: constants.O_RDWR };

/** A second description of a pipe or a terminal, with O_NONBLOCK (proc(5), /proc/PID/fd); undefined where there is none. */
function reopen(fd: number, direction: Direction): number | undefined {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !(isatty(fd) && kind.rdev !== PTMX)) return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, openFlags[direction] | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined; // a pipe without a reader, a terminal that was hung up, or a confined process
  }
}

/** The last way: it is put back at the end, unless SIGKILL is the end. */
function makeNonBlocking(fd: number): void {
  descriptorCalls.setNonBlocking(fd, true);
  if (fd > LAST_OF_STDIO) return;
  process.on('exit', () => {
    try {
      descriptorCalls.setNonBlocking(fd, false);
    } catch {
      // It is closed.
    }
  });
}

export class PollableDescriptor {
  /** What is read, written and polled. */
  readonly fd: number;
  readonly #given: number;
  readonly #isSocket: boolean;

  /** Owns `fd`. */
  constructor(fd: number, direction: Direction) {
    this.#given = fd;
    this.#isSocket = fstatSync(fd).isSocket();
    this.fd = (this.#isSocket ? undefined : reopen(fd, direction)) ?? fd;
    if (!this.#isSocket && this.fd === fd) makeNonBlocking(fd);
  }

  /** @returns the number of bytes, 0 at the end, undefined when there are none now. @throws KernelError */
  read(buffer: Buffer): number | undefined {
    const length = BigInt(buffer.length);
    return result('read', this.#isSocket ? libc.recv(this.fd, buffer, length, MSG_DONTWAIT) : libc.read(this.fd, buffer, length));
  }

  /** @returns how many bytes were written, undefined when there is no room now. @throws KernelError */
  write(bytes: Buffer): number | undefined {
    const length = BigInt(bytes.length);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return result('write', this.#isSocket ? libc.send(this.fd, bytes, length, flags) : libc.write(this.fd, bytes, length));
  }

  /** Stdio stays open, as in Node: another file would get its number, and what is written to it. */
  close(): void {
    for (const fd of new Set([this.fd, this.#given])) if (fd > LAST_OF_STDIO) closeSync(fd);
  }
}

function result(call: string, count: number): number | undefined {
  if (count >= 0) return count;
  const number = lastErrno();
  if (number === EAGAIN || number === EINTR) return undefined;
  throw new KernelError(call, number, errnoName(number), 'of a stream');
}

/** Reads from and writes to an fd without blocking, and without a change of flags that other processes share. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { KernelError } from '../errors/kata-error.ts';
import { isTerminal } from '../process/is-terminal.ts';
import { descriptorCalls } from './descriptor-calls.ts';
import { bind, errnoName, lastErrno } from './ffi.ts';

const libc = bind({
  read: ['int32', 'pointer', 'uint64'],
  write: ['int32', 'pointer', 'uint64'],
  recv: ['int32', 'pointer', 'uint64', 'int32'],
  send: ['int32', 'pointer', 'uint64', 'int32'],
  shutdown: ['int32', 'int32'],
});
const EINTR = 4;
const EAGAIN = 11;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
/** /dev/ptmx (Documentation/admin-guide/devices.txt): a second open would create another terminal. */
const PTMX = 0x502;
const LAST_OF_STDIO = 2;

export type Direction = 'read' | 'write' | 'both';
const openFlags = { read: constants.O_RDONLY, write: constants.O_WRONLY, both: constants.O_RDWR };

/** Opens a pipe or a terminal a second time, with O_NONBLOCK (proc(5), /proc/PID/fd); undefined when that fails. */
function reopen(fd: number, direction: Direction): number | undefined {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !(kind.isCharacterDevice() && isTerminal(fd) && kind.rdev !== PTMX)) return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, openFlags[direction] | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined; // a pipe without a reader, a terminal after a hang-up, or a confined process
  }
}

/** For an fd that cannot be opened a second time. The flag is reset at the exit of the process, but not after SIGKILL. */
function makeNonBlocking(fd: number): void {
  descriptorCalls.setNonBlocking(fd, true);
  if (fd > LAST_OF_STDIO) return;
  process.on('exit', () => {
    try {
      descriptorCalls.setNonBlocking(fd, false);
    } catch {
      // The fd is closed.
    }
  });
}

export class PollableDescriptor {
  /** The fd that is read, written and polled. */
  readonly fd: number;
  readonly #given: number;
  readonly #isSocket: boolean;

  /** The object owns `fd`. */
  constructor(fd: number, direction: Direction) {
    this.#given = fd;
    this.#isSocket = fstatSync(fd).isSocket();
    this.fd = (this.#isSocket ? undefined : reopen(fd, direction)) ?? fd;
    if (!this.#isSocket && this.fd === fd) makeNonBlocking(fd);
  }

  /** @returns the number of bytes, 0 at the end of file, undefined when a read would block. @throws KernelError */
  read(buffer: Buffer): number | undefined {
    const length = BigInt(buffer.length);
    return result('read', this.#isSocket ? libc.recv(this.fd, buffer, length, MSG_DONTWAIT) : libc.read(this.fd, buffer, length));
  }

  /** @returns the number of bytes written, undefined when a write would block. @throws KernelError */
  write(bytes: Buffer): number | undefined {
    const length = BigInt(bytes.length);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return result('write', this.#isSocket ? libc.send(this.fd, bytes, length, flags) : libc.write(this.fd, bytes, length));
  }

  /** The peer of a socket sees the end. Fails when the peer has closed the connection, which then has nothing left to end. */
  endWrites(): void {
    if (this.#isSocket) libc.shutdown(this.fd, SHUT_WR);
  }

  /** Stdio stays open, as in Node: otherwise the next file would get its number, and receive the output. */
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

/** Prints results on stdout without process.stdout, which loads sockets and streams and takes longer than most verbs. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

const STDOUT = 1;

/** The reader of stdout has closed the pipe, as `head` does. */
export class ClosedPipeError extends KataError {
  /** The code of a shell for a program that SIGPIPE has ended; the JS engine ignores the signal. */
  override readonly exitCode = 141;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

/** Reopens a pipe in blocking mode; other processes with the pipe keep their mode (proc(5), /proc/PID/fd). */
function writeWaiting(bytes: Buffer): void {
  const fd = openSync(`/proc/self/fd/${STDOUT}`, 'w');
  try {
    writeAll(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

/** Writes all of `text`. @throws ClosedPipeError */
export function print(text: string): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(STDOUT, rest));
  } catch (error) {
    if (errorCode(error) === 'EPIPE') throw new ClosedPipeError('the reader of stdout has closed the pipe');
    if (errorCode(error) !== 'EAGAIN') throw error;
    writeWaiting(rest);
  }
}

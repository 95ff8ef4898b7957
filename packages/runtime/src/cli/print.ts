/** Prints results on stdout without process.stdout, which loads sockets and streams and takes longer than most verbs. */
import { writeSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

/** Writes all of `text`. */
export function print(text: string): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    if (errorCode(error) !== 'EAGAIN') throw error;
    process.stdout.write(rest); // a non-blocking pipe that is full: this waits
  }
}

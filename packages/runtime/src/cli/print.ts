/** Results on stdout, without process.stdout: that loads sockets and streams, which takes longer than most verbs. */
import { writeSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

/** Writes all of `text`, as it is. */
export function print(text: string): void {
  let rest = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    if (errorCode(error) !== 'EAGAIN') throw error;
    process.stdout.write(rest); // a pipe that does not block, and is full: this waits
  }
}

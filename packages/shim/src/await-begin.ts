/** Waits until the runtime has created the process in the guest (`begin` of ShimDuties). */
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/**
 * Resolves to whether the process exists: true after a byte, or without a pipe; false when the runtime has closed `pipe` or has ended. Call
 * it before the process is confined: a pipe is opened a second time by its path in /proc. Owns `pipe`.
 */
export function awaitBegin(pipe: number | undefined): Promise<boolean> {
  if (pipe === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const stream = openPollableStream(pipe, { direction: 'read' });
    stream.once('data', () => {
      resolve(true);
      stream.destroy();
    });
    for (const event of ['end', 'error', 'close']) stream.once(event, () => resolve(false)); // no effect after a byte
  });
}

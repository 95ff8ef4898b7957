/** The shim's report to the runtime whether it has confined itself: `report` of ShimDuties. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** The shim of 1.x does not report, and keeps the pipe open as long as it runs. */
const TIMEOUT_MS = 2000;
/** Length of an error, in bytes. */
const MAX_ERROR = 1024;

/** The text that the shim writes before it closes the pipe; empty after `timeoutMs`. */
function readReport(pipe: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const stream = openPollableStream(pipe, { direction: 'read' });
    let text = '';
    const timer = setTimeout(() => stream.destroy(), timeoutMs);
    stream.on('data', (piece: Buffer) => (text = (text + piece.toString()).slice(0, MAX_ERROR)));
    stream.on('end', () => stream.destroy());
    stream.on('error', () => {}); // the pipe is closed then
    stream.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

/**
 * Resolves when the shim has closed `pipe`, the read end, which it owns, or after a timeout.
 * @throws KataError with the error that the shim has written
 */
export async function awaitShimReport(pipe: number, timeoutMs = TIMEOUT_MS): Promise<void> {
  const error = await readReport(pipe, timeoutMs);
  if (error !== '') throw new KataError(`kata-shim did not start: ${error}`);
}

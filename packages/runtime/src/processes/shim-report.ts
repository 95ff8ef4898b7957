/** The shim's report to the runtime that it has started: `report` of ShimDuties. */
import { SHIM_STARTED } from '@kata-containers/common/command-lines/shim-command-line';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** Longer than the shim waits for kata-proxy's socket (1.x's 15 s). */
const TIMEOUT_MS = 20_000;
/** Length of an error, in bytes. */
const MAX_ERROR = 1024;

/** The text that the shim writes before it closes the pipe, or until the timeout. */
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
 * Resolves when the shim has started. Owns `pipe`, the read end.
 * @throws KataError with the error that the shim has written
 */
export async function awaitShimReport(pipe: number, timeoutMs = TIMEOUT_MS): Promise<void> {
  const report = await readReport(pipe, timeoutMs);
  if (report !== SHIM_STARTED) throw new KataError(`kata-shim did not start: ${report === '' ? 'it has ended, or hangs' : report}`);
}

/** Copies the process's stdout or stderr to the shim's, and reads no faster than the reader of the output. */
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import type { Logger } from '@kata-containers/common/logging/logger';
import { PIECE_BYTES, DoubleBuffer } from './double-buffer.ts';
import { MESSAGE_OVERHEAD_BYTES } from './remote-process.ts';
import type { OutputName, RemoteProcess } from './remote-process.ts';

/** The agent's error text at the end of a stream (1.x's). */
const END = 'EOF';
/** Time to write the last piece to a slow reader after the agent was lost. */
const LOST_GRACE_MS = 500;

type Read = () => Promise<Buffer | undefined>;

function reader(source: RemoteProcess, output: OutputName, log: Logger): Read {
  const memory = new DoubleBuffer(PIECE_BYTES + MESSAGE_OVERHEAD_BYTES);
  return async () => {
    try {
      return await source.read(output, PIECE_BYTES, (length) => memory.next().subarray(0, length));
    } catch (error) {
      // An error in the agent's answer ends the stream. If the agent cannot be reached, the shim fails.
      if (!(error instanceof AgentError) || error.grpcCode === GRPC.unavailable) throw error;
      if (error.message !== END) log.warn('output has ended early', { stream: output, reason: error.message });
      return undefined;
    }
  };
}

type Write = (piece: Buffer) => Promise<void>;

/** Detects the loss of the agent while the reader does not read: then no call is outstanding that could fail. */
function writer(output: Writable, lost: Promise<unknown>): Write {
  let isLost = false;
  let giveUp = (): void => {};
  void lost.then(async () => {
    await sleep(LOST_GRACE_MS);
    isLost = true;
    giveUp();
  });
  /** Resolves when the piece was written, cannot be written, or the agent has been lost for `LOST_GRACE_MS`. */
  return async (piece) => {
    if (isLost || output.destroyed) return;
    await new Promise<void>((resolve) => {
      giveUp = resolve;
      output.write(piece, () => resolve());
    });
  };
}

/** Copies until the agent reports the end of the stream. @throws AgentError when the agent cannot be reached */
export async function copyOutput(source: RemoteProcess, name: OutputName, output: Writable | undefined, log: Logger): Promise<void> {
  // A reader that closes the pipe (EPIPE) does not stop the process: its output is read and dropped.
  output?.on('error', (error) => log.info('the reader has closed the output', { stream: name, reason: errorMessage(error) }));
  const write = output && writer(output, source.lost);
  const read = reader(source, name, log);
  // The next piece is read while this one is written: at most two pieces are held, and the order is kept.
  let next = read();
  for (let piece = await next; piece !== undefined; piece = await next) {
    next = read();
    next.catch(() => {}); // the next iteration throws the error
    if (piece.length > 0) await write?.(piece);
  }
  // No end(): end() would shut down a socket for all processes that share it, such as the caller's shell under ssh.
  output?.destroy();
}

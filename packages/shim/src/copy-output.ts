/** The process' stdout or stderr → ours, in order, at the pace our reader takes it. */
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import type { Logger } from '@kata-containers/common/logging/logger';
import { openOutput } from './open-stdio.ts';
import { PIECE_BYTES, DoubleBuffer } from './double-buffer.ts';
import { MESSAGE_OVERHEAD_BYTES } from './remote-process.ts';
import type { OutputName, RemoteProcess } from './remote-process.ts';

/** The agent's word for the end of a stream. */
const END = 'EOF';
/** What was read before the agent was lost gets this long to be written, if our reader is slow. */
const LOST_GRACE_MS = 500;

type Read = () => Promise<Buffer | undefined>;

function reader(source: RemoteProcess, output: OutputName, log: Logger): Read {
  const memory = new DoubleBuffer(PIECE_BYTES + MESSAGE_OVERHEAD_BYTES);
  return async () => {
    try {
      return await source.read(output, PIECE_BYTES, (length) => memory.next().subarray(0, length));
    } catch (error) {
      // Any answer of the agent other than data is the end of the stream; no answer is the end of everything.
      if (!(error instanceof AgentError) || error.grpcCode === GRPC.unavailable) throw error;
      if (error.message !== END) log.warn('output ends early', { stream: output, reason: error.message });
      return undefined;
    }
  };
}

/** Resolves when the piece was written, or cannot be. */
async function write(output: Writable, piece: Buffer): Promise<void> {
  if (!output.destroyed) await new Promise<void>((resolve) => output.write(piece, () => resolve()));
}

/** Copies until the agent reports the end of the stream. @throws AgentError when the agent cannot be reached */
export async function copyOutput(source: RemoteProcess, name: OutputName, fd: number, log: Logger): Promise<void> {
  const output = openOutput(fd);
  // A reader that goes away (EPIPE) does not stop the process: its output is read and dropped.
  output?.on('error', (error) => log.info('output is not wanted any more', { stream: name, reason: errorMessage(error) }));
  const read = reader(source, name, log);
  // The next piece is fetched while this one is written: at most two are held, and order is kept.
  let next = read();
  for (let piece = await next; piece !== undefined; piece = await next) {
    next = read();
    const written = output && piece.length > 0 ? write(output, piece) : undefined;
    // A reader that does not read must not hide that the agent is gone.
    const outlived = next.then(
      () => written,
      () => sleep(LOST_GRACE_MS),
    );
    await Promise.race([written, outlived]);
  }
  // All is written. Ending the stream would shut a socket down for all who have it: the caller's shell, say, on the way back by ssh.
  output?.destroy();
}

/** The process' stdout or stderr → ours, in order, at the pace our reader takes it. */
import type { Writable } from 'node:stream';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { openOutput } from './open-stdio.ts';
import type { RemoteProcess } from './run-shim.ts';

/** Bytes asked for at once. The agent gives what there is, and no more than this. */
const PIECE_BYTES = 1 << 20;
const UNAVAILABLE = 14;
/** The agent's word for the end of a stream. */
const END = 'EOF';

type ReadCall = 'readStdout' | 'readStderr';

async function read({ agent, container_id, exec_id }: RemoteProcess, call: ReadCall, log: Logger): Promise<Buffer | undefined> {
  try {
    const { data } = await agent.call(call, { container_id, exec_id, len: PIECE_BYTES }, { deadlineMs: 'none' });
    return data;
  } catch (error) {
    // Any answer of the agent other than data is the end of the stream; no answer is the end of everything.
    if (!(error instanceof AgentError) || error.grpcCode === UNAVAILABLE) throw error;
    if (error.message !== END) log.warn('output ends early', { call, reason: error.message });
    return undefined;
  }
}

/** Resolves when the piece was written, or cannot be. */
async function write(output: Writable, piece: Buffer): Promise<void> {
  if (!output.destroyed) await new Promise<void>((resolve) => output.write(piece, () => resolve()));
}

/** Everything that was written has left this process. */
async function finish(output: Writable): Promise<void> {
  if (output.destroyed) return;
  await new Promise<void>((resolve) => {
    output.once('close', () => resolve());
    output.end(() => resolve());
  });
}

/** Until the agent says that there is no more. @throws AgentError when the agent is gone */
export async function copyOutput(target: RemoteProcess, call: ReadCall, fd: number, log: Logger): Promise<void> {
  const output = openOutput(fd);
  // A reader that goes away (EPIPE) does not stop the process: its output is read and dropped.
  output?.on('error', (error) => log.info('output is not wanted any more', { fd, reason: errorMessage(error) }));
  // The next piece is fetched while this one is written: two are held at the most, and order is kept.
  let next = read(target, call, log);
  for (let piece = await next; piece !== undefined; piece = await next) {
    next = read(target, call, log);
    next.catch(() => {}); // awaited after the write
    if (output && piece.length > 0) await write(output, piece);
  }
  if (output) await finish(output);
}

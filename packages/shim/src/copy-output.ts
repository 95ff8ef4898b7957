/** The process' stdout or stderr → ours, in order, at the pace our reader takes it. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { openOutput } from './open-stdio.ts';
import type { RemoteProcess } from './run-shim.ts';

/** Bytes asked for at once. The agent gives what there is, and no more than this. */
const PIECE_BYTES = 1 << 20;
const UNAVAILABLE = 14;

type ReadCall = 'readStdout' | 'readStderr';

async function read({ agent, container_id, exec_id }: RemoteProcess, call: ReadCall): Promise<Buffer | undefined> {
  try {
    const { data } = await agent.call(call, { container_id, exec_id, len: PIECE_BYTES }, { deadlineMs: 'none' });
    return data;
  } catch (error) {
    // Any answer of the agent other than data is the end of the stream; no answer is the end of everything.
    if (error instanceof AgentError && error.grpcCode !== UNAVAILABLE) return undefined;
    throw error;
  }
}

/** Waits until `output` takes more, or is gone. */
async function write(output: Writable, piece: Buffer): Promise<void> {
  if (output.destroyed || output.write(piece)) return;
  await Promise.race([once(output, 'drain'), once(output, 'close')]).catch(() => {});
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
  let next = read(target, call);
  for (let piece = await next; piece !== undefined; piece = await next) {
    if (output && piece.length > 0) await write(output, piece);
    next = read(target, call);
  }
  if (output) await finish(output);
}

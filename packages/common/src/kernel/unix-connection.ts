import { descriptorCalls } from './descriptor-calls.ts';
import type { PollableOptions, PollableStream } from './pollable-options.ts';
import { openPollableStream } from './pollable-stream.ts';

/**
 * Connects to the unix socket at `path`, and returns when the connection is established. Reading begins with the first listener, or
 * `resume`. When the server has ended its direction, the stream ends and closes. @throws KernelError: ENOENT, ECONNREFUSED, or EAGAIN when the
 * server does not accept connections fast enough
 */
export function connectUnix(path: string, options?: PollableOptions): PollableStream {
  const stream = openPollableStream(descriptorCalls.connectUnix(path), options);
  stream.once('end', () => stream.end());
  return stream;
}

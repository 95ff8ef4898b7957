import { descriptorCalls } from './descriptor-calls.ts';
import type { PollableOptions, PollableStream } from './pollable-options.ts';
import { openPollableStream } from './pollable-stream.ts';

/**
 * Connects to the unix socket at `path`, and returns when the connection is established. Reading begins with the first listener, or
 * `resume`. @throws KernelError: ENOENT, ECONNREFUSED, or EAGAIN when the server does not accept connections fast enough
 */
export const connectUnix = (path: string, options?: PollableOptions): PollableStream =>
  openPollableStream(descriptorCalls.connectUnix(path), options);

/** The end of any process, also of one that is not a child of ours. */
import { openPollableStream } from './pollable-stream.ts';

export interface ProcessEnd {
  readonly ended: Promise<void>;
  /** Waits no longer: `ended` stays open. */
  close(): void;
}

/** Owns and closes `pidfd`. */
export function processEnd(pidfd: number): ProcessEnd {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A pidfd becomes readable when its process ends, and then cannot be read: an error is what we wait for (pidfd_open(2)).
  const stream = openPollableStream(pidfd, { direction: 'read' });
  stream.on('error', () => resolve()).on('end', () => resolve());
  stream.resume();
  return { ended: promise, close: () => void stream.destroy() };
}

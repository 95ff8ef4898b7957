import { openPollableStream } from './pollable-stream.ts';

export function processEndOnNode(pidfd: number): { readonly ended: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A pidfd becomes readable when its process ends, and then cannot be read: an error is what we wait for (pidfd_open(2)).
  const stream = openPollableStream(pidfd, { direction: 'read' });
  stream.on('error', () => resolve()).on('end', () => resolve());
  stream.resume();
  return { ended: promise, close: () => void stream.destroy() };
}

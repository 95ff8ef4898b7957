import { openPollableStream } from './pollable-stream.ts';

export function processEndOnNode(pidfd: number): { readonly ended: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A pidfd becomes readable when its process ends (pidfd_open(2)). Reading a pidfd fails: the error reports the end.
  const stream = openPollableStream(pidfd, { direction: 'read' });
  stream.on('error', () => resolve()).on('end', () => resolve());
  stream.resume();
  return { ended: promise, close: () => void stream.destroy() };
}

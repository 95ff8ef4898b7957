import { closeSync } from 'node:fs';
import { eventPoll } from './event-poll-bun.ts';

/** A pidfd becomes readable when its process ends (pidfd_open(2)). */
export function processEndOnBun(pidfd: number): { readonly ended: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    eventPoll().cancel(pidfd, 'read');
    closeSync(pidfd);
  };
  eventPoll().wait(pidfd, 'read', () => {
    close();
    resolve();
  });
  return { ended: promise, close };
}

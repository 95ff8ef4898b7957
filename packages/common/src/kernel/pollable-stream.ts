/** Opens a pollable fd as a stream: a pipe, terminal, virtio port, pty master or netlink socket. Uses neither the thread pool nor a timer. */
import { fstatSync } from 'node:fs';
import { isBun } from '../process/engine.ts';
import type { PollableOptions, PollableStream } from './pollable-options.ts';
import { openOnBun } from './pollable-stream-bun.ts';
import { openOnNode } from './pollable-stream-node.ts';

const open = isBun ? openOnBun : openOnNode;

/**
 * A duplex stream over `fd`, which it owns and closes unless it is stdio. Does not block.
 * @throws Error when epoll does not accept the fd (regular files)
 */
export function openPollableStream(fd: number, options: PollableOptions = {}): PollableStream {
  const kind = fstatSync(fd);
  // libuv aborts the process when epoll refuses an fd.
  if (kind.isFile() || kind.isDirectory()) throw new Error(`fd ${fd} cannot be polled`);
  return open(fd, options);
}

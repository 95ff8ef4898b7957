/** Waits on Bun until an fd of any kind can be read or written, without polling by a timer. */
import { closeSync } from 'node:fs';
import { bind, check } from './ffi.ts';
import { descriptorCalls } from './descriptor-calls.ts';

declare const Bun: {
  connect(options: {
    readonly fd: number;
    readonly socket: { data(): void; close(): void; error(): void };
  }): Promise<{ terminate(): void }>;
};

const libc = bind({ epoll_create1: ['int32'], epoll_ctl: ['int32', 'int32', 'int32', 'pointer'] });
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const events = { read: 1, write: 4 } as const; // EPOLLIN, EPOLLOUT; errors and hang-ups are always reported (epoll_ctl(2))

/**
 * An epoll instance with one fd. The instance becomes readable when the fd is ready (epoll(7)), and Bun polls any fd that is passed as a
 * connected socket. Bun cannot receive from an epoll instance and closes it, so each wait uses a duplicate.
 */
export class Readiness {
  readonly #epoll: number;
  #isClosed = false;
  #waiting: Promise<{ terminate(): void }> | undefined;

  /** @throws KernelError when the fd cannot be polled (regular files) */
  constructor(fd: number, direction: 'read' | 'write') {
    this.#epoll = check(libc.epoll_create1(EPOLL_CLOEXEC), 'epoll_create1', '');
    const event = Buffer.alloc(12); // struct epoll_event, packed
    event.writeUInt32LE(events[direction], 0);
    try {
      check(libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, event), 'epoll_ctl', `of fd ${fd}`);
    } catch (error) {
      closeSync(this.#epoll);
      throw error;
    }
  }

  /** Calls `onReady` once, in a later turn of the event loop. One wait at a time; a second one has no effect. */
  wait(onReady: () => void): void {
    if (this.#isClosed || this.#waiting) return;
    const close = (): void => {
      this.#waiting = undefined;
      if (!this.#isClosed) onReady();
    };
    this.#waiting = Bun.connect({ fd: descriptorCalls.duplicate(this.#epoll), socket: { data() {}, close, error() {} } });
  }

  /** Cancels a pending wait. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting?.then((socket) => socket.terminate()).catch(() => {});
    closeSync(this.#epoll);
  }
}

/**
 * Waits on Bun until fds of any kind are ready, without a timer. Bun has a timer of one second while a connected socket is open, and its
 * API can wait for no other fds. It has none for a UDP socket, and polls the fd of one that the caller has made. So all fds are in one epoll
 * instance, which becomes readable when one of them is ready (epoll(7)), and the instance takes the place of a UDP socket: Bun cannot receive
 * from it, and calls the socket's `error`.
 */
import { closeSync, readFileSync, readdirSync } from 'node:fs';
import { bind, check } from './ffi.ts';

interface UdpSocket {
  /** The process runs while the socket is open: the default. */
  ref(): void;
  unref(): void;
}

declare const Bun: {
  udpSocket(options: { readonly fd: number; readonly socket: { data(): void; error(): void } }): Promise<UdpSocket>;
};

const libc = bind({
  socket: ['int32', 'int32', 'int32'],
  dup3: ['int32', 'int32', 'int32'],
  epoll_create1: ['int32'],
  epoll_ctl: ['int32', 'int32', 'int32', 'pointer'],
  epoll_wait: ['int32', 'pointer', 'int32', 'int32'],
});
const AF_INET = 2;
const SOCK_DGRAM = 2;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const EPOLL_CTL = { add: 1, delete: 2, modify: 3 } as const;
const EPOLLIN = 1;
const EPOLLOUT = 4;
/** EPOLLERR and EPOLLHUP: reported without a request. */
const ENDED = 0x18;
/** struct epoll_event, packed: events and 64 bits of data. */
const EVENT_BYTES = 12;
const DATA_OFFSET = 4;
/** Events that are fetched at once. The instance stays readable while there are more. */
const MAX_EVENTS = 64;

export type Direction = 'read' | 'write';

interface Waiting {
  read?: (() => void) | undefined;
  write?: (() => void) | undefined;
  /** Events in the epoll instance; 0: the fd is not in it, because the kernel reports a hang-up of each fd that is. */
  requested: number;
}

function encodeEvent(events: number, data: bigint): Buffer {
  const event = Buffer.alloc(EVENT_BYTES);
  event.writeUInt32LE(events, 0);
  event.writeBigUInt64LE(data, DATA_OFFSET);
  return event;
}

/** The epoll instance of Bun's event loop, and what Bun has registered for `fd` there (proc(5), /proc/PID/fdinfo). */
function findRegistration(fd: number): { loop: number; data: bigint } {
  const entry = new RegExp(String.raw`^tfd:\s+${fd}\s.*\bdata:\s+([0-9a-f]+)`, 'm');
  for (const name of readdirSync('/proc/self/fdinfo')) {
    try {
      const data = entry.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))?.[1];
      if (data !== undefined) return { loop: Number(name), data: BigInt(`0x${data}`) };
    } catch {
      // The fd of the directory, which is closed.
    }
  }
  throw new Error('Bun does not poll UDP sockets as expected');
}

class EventPoll {
  readonly #epoll: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = Buffer.allocUnsafeSlow(EVENT_BYTES * MAX_EVENTS);
  /** Undefined until the next turn of the event loop. */
  #socket: UdpSocket | undefined;

  constructor() {
    this.#epoll = check(libc.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC | O_NONBLOCK, 0), 'socket', '');
    const made = Bun.udpSocket({ fd: this.#epoll, socket: { data() {}, error: () => this.#dispatch() } });
    const { loop, data } = findRegistration(this.#epoll);
    const instance = check(libc.epoll_create1(O_CLOEXEC), 'epoll_create1', '');
    check(libc.dup3(instance, this.#epoll, O_CLOEXEC), 'dup3', ''); // closes the socket, which removes it from Bun's instance
    closeSync(instance);
    check(libc.epoll_ctl(loop, EPOLL_CTL.add, this.#epoll, encodeEvent(EPOLLIN, data)), 'epoll_ctl', "of Bun's event loop");
    void made.then((socket) => {
      this.#socket = socket;
      this.#keepRunning();
    });
  }

  /** Calls `onReady` once, in a later turn of the event loop. @throws KernelError when the fd cannot be polled (regular files) */
  wait(fd: number, direction: Direction, onReady: () => void): void {
    const waiting = this.#waiting.get(fd) ?? { requested: 0 };
    waiting[direction] = onReady;
    this.#update(fd, waiting);
    this.#waiting.set(fd, waiting);
    if (this.#waiting.size === 1) this.#keepRunning();
  }

  /** Call it before the fd is closed. */
  cancel(fd: number, direction: Direction): void {
    const waiting = this.#waiting.get(fd);
    if (!waiting) return;
    waiting[direction] = undefined;
    this.#update(fd, waiting);
  }

  /** The process runs while there is a wait. */
  #keepRunning(): void {
    if (this.#waiting.size > 0) this.#socket?.ref();
    else this.#socket?.unref();
  }

  #update(fd: number, waiting: Waiting): void {
    const wanted = (waiting.read ? EPOLLIN : 0) | (waiting.write ? EPOLLOUT : 0);
    if (wanted === 0) {
      this.#waiting.delete(fd);
      this.#keepRunning();
    }
    if (wanted === waiting.requested) return;
    const operation = wanted === 0 ? 'delete' : waiting.requested === 0 ? 'add' : 'modify';
    check(libc.epoll_ctl(this.#epoll, EPOLL_CTL[operation], fd, encodeEvent(wanted, BigInt(fd))), 'epoll_ctl', `of fd ${fd}`);
    waiting.requested = wanted;
  }

  #dispatch(): void {
    const count = libc.epoll_wait(this.#epoll, this.#events, MAX_EVENTS, 0);
    const ready = Array.from({ length: Math.max(0, count) }, (_, index) => {
      const fd = this.#events.readInt32LE(EVENT_BYTES * index + DATA_OFFSET);
      return { fd, events: this.#events.readUInt32LE(EVENT_BYTES * index), waiting: this.#waiting.get(fd) };
    });
    for (const { fd, events, waiting } of ready) {
      const isCurrent = (): boolean => waiting !== undefined && this.#waiting.get(fd) === waiting;
      // Functions that were called before may have cancelled a wait, and closed the fd.
      if (waiting && isCurrent() && events & (EPOLLIN | ENDED)) call(waiting, 'read');
      if (waiting && isCurrent() && events & (EPOLLOUT | ENDED)) call(waiting, 'write');
      if (waiting && isCurrent()) this.#update(fd, waiting);
    }
  }
}

function call(waiting: Waiting, direction: Direction): void {
  const onReady = waiting[direction];
  waiting[direction] = undefined;
  onReady?.();
}

let shared: EventPoll | undefined;

/** The instance of this process. Its first use opens files of /proc: a confined process must have used it before. */
export function eventPoll(): EventPoll {
  return (shared ??= new EventPoll());
}

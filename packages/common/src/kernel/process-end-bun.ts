interface BunSocket {
  terminate(): void;
}

declare const Bun: {
  connect(options: { readonly fd: number; readonly socket: { data(): void; close(): void; error(): void } }): Promise<BunSocket>;
};

/**
 * Bun polls any fd that is passed as a connected socket. A pidfd becomes readable when its process ends (pidfd_open(2)). Bun cannot receive
 * from a pidfd, and therefore closes it.
 */
export function processEndOnBun(pidfd: number): { readonly ended: Promise<void>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isClosed = false;
  const onClose = (): void => {
    if (!isClosed) resolve();
  };
  const opened = Bun.connect({ fd: pidfd, socket: { data() {}, close: onClose, error() {} } });
  const close = (): void => {
    isClosed = true;
    opened.then((socket) => socket.terminate()).catch(() => {});
  };
  return { ended: promise, close };
}

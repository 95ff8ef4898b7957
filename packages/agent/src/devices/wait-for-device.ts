/** Waits for a hot-plugged device: sysfs shows whether it exists, and a uevent triggers the next look. */
import { status } from '@grpc/grpc-js';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import { GrpcError } from '../errors/grpc-error.ts';
import { parseUevent } from './parse-uevent.ts';

/** Calls the listener for each device that appears, until `close`. */
export interface Arrivals {
  readonly onArrival: (look: () => void) => void;
  readonly close: () => void;
}

/** The kernel's netlink socket (netlink(7), NETLINK_KOBJECT_UEVENT). */
export function kernelArrivals(kernel: Pick<Kernel, 'openUeventSocket'>): Arrivals {
  const socket = openPollableStream(kernel.openUeventSocket(), { direction: 'read' });
  socket.on('error', () => {}); // ENOBUFS: messages were lost; the last look at sysfs finds their devices
  return {
    onArrival: (look) =>
      socket.on('data', (message: Buffer) => {
        if (parseUevent(message)?.action === 'add') look();
      }),
    close: () => socket.destroy(),
  };
}

/**
 * Waits until `find` returns something. `name` is the device's name in the error, which has 1.x's text.
 * @throws GrpcError DEADLINE_EXCEEDED
 */
export async function waitForDevice(
  name: string,
  find: () => string | undefined,
  timeoutMs: number,
  listen: () => Arrivals,
): Promise<string> {
  // Listening begins before the first look, so that no event is missed in between.
  const arrivals = listen();
  let timer: NodeJS.Timeout | undefined;
  try {
    const found = find();
    if (found !== undefined) return found;
    return await new Promise((resolve, reject) => {
      const look = (): boolean => {
        const device = find();
        if (device !== undefined) resolve(device);
        return device !== undefined;
      };
      arrivals.onArrival(look);
      timer = setTimeout(() => {
        const text = `Timeout reached after ${timeoutMs / 1000}s waiting for device ${name}`;
        if (!look()) reject(new GrpcError(status.DEADLINE_EXCEEDED, text));
      }, timeoutMs);
    });
  } finally {
    clearTimeout(timer);
    arrivals.close();
  }
}

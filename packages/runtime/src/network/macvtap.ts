/** Creates macvtaps and opens their devices /dev/tapN (drivers/net/tap.c), from which QEMU reads and writes frames. */
import { closeSync, constants, openSync, statSync, unlinkSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomBytes } from '@kata-containers/common/random/random-bytes';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import { runTool } from './ip-command.ts';
import { localMac, macvtapBatch, macvtapIndex } from './macvtap-plan.ts';
import { inNetworkNamespace } from './namespace.ts';
import type { Link } from './parse-links.ts';

type Calls = Pick<Kernel, 'setns' | 'makeCharacterDevice'>;

export interface MacvtapRequest {
  readonly link: Link;
  readonly tap: string;
}

/** A temporary device node is recorded first. */
type RecordUndo = (entry: { undo: 'unlink'; path: string }) => void;

/** Number of attempts with another index (1.x's). */
const ATTEMPTS = 128;

/** @returns the number of the new interface. @throws KataError */
async function makeMacvtap({ link, tap }: MacvtapRequest): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const index = macvtapIndex(randomBytes(2).readUInt16LE());
    // Another namespace may use the index: the kernel would create the macvtap without its node.
    const isTaken = statSync(`/dev/tap${index}`, { throwIfNoEntry: false }) !== undefined;
    if (isTaken && attempt < ATTEMPTS) continue;
    try {
      await runTool('ip', ['-batch', '-'], { input: macvtapBatch({ link, tap, index, linkMac: localMac(randomBytes(6)) }) });
      return index;
    } catch (error) {
      if (attempt >= ATTEMPTS || !errorMessage(error).includes('File exists')) throw error;
    }
  }
}

/** sysfs shows the interfaces of the network namespace in which it was mounted, so a program mounts sysfs in its own mount namespace. */
const READ_DEVICES = 'mount -t sysfs sysfs /sys && cd /sys/class/net && for tap; do cat "$tap"/macvtap/tap*/dev || exit; done';

async function readDevices(taps: readonly string[]): Promise<DeviceNumber[]> {
  const text = await runTool('unshare', ['--mount', 'sh', '-c', READ_DEVICES, 'sh', ...taps]);
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [major = NaN, minor = NaN] = line.split(':').map(Number);
      return { major, minor };
    });
}

function isNodeOf(path: string, { major, minor }: DeviceNumber): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return false;
  const own = unpackDevice(found.rdev);
  return own.major === major && own.minor === minor;
}

const open = (path: string): number => openSync(path, constants.O_RDWR | constants.O_NONBLOCK);

/** /dev may not be a devtmpfs, or may have another namespace's node: then a temporary node is created and removed at once. */
export function openDevice(index: number, device: DeviceNumber, record: RecordUndo, kernel: Calls): number {
  const usual = `/dev/tap${index}`;
  if (isNodeOf(usual, device)) return open(usual);
  const own = `/dev/kata-${randomUuid()}`;
  record({ undo: 'unlink', path: own });
  kernel.makeCharacterDevice(own, device.major, device.minor);
  try {
    return open(own);
  } finally {
    unlinkSync(own);
  }
}

/**
 * Creates a macvtap on each link in the namespace at `path`.
 * @returns their open devices, in that order, for the caller to close. @throws KataError
 */
export async function joinByMacvtap(
  path: string,
  requests: readonly MacvtapRequest[],
  record: RecordUndo,
  kernel: Calls,
): Promise<number[]> {
  if (requests.length === 0) return [];
  return inNetworkNamespace(path, kernel, async () => {
    const made: number[] = [];
    for (const request of requests) made.push(await makeMacvtap(request));
    const devices = await readDevices(requests.map(({ tap }) => tap));
    const opened: number[] = [];
    try {
      for (const [at, index] of made.entries()) {
        const device = devices[at];
        if (!device) throw new KataError(`the kernel reports no device of the macvtap with index ${index}`);
        opened.push(openDevice(index, device, record, kernel));
      }
      return opened;
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw error;
    }
  });
}

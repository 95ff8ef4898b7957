/** Storage drivers: find and mount the storages of a request. */
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Storage } from '@kata-containers/common/generated/agent';
import { MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { GrpcError } from '../errors/grpc-error.ts';
import { parseMountOptions } from './parse-mount-options.ts';

export interface StorageTools {
  readonly kernel: Pick<Kernel, 'mount' | 'umount'>;
  /** Waits for a block device and returns its node. */
  readonly findDevice: (driver: string, address: string, hints: readonly string[]) => Promise<string>;
}

/** @returns whether something was mounted */
type Driver = (storage: Storage, tools: StorageTools) => Promise<boolean>;

/**
 * A crafted image must not cause a mount over the guest's own /proc or /sys. A source that is not a directory is bind-mounted over a file
 * (mount(2)).
 */
function makeTarget(path: string, mode: number, kind: 'directory' | 'file' = 'directory'): void {
  mkdirSync(kind === 'file' ? dirname(path) : path, { recursive: true, mode });
  if (kind === 'file') closeSync(openSync(path, 'a', 0o600));
  const real = realpathSync(path);
  if (/^\/(proc|sys)(\/|$)/.test(real)) throw new GrpcError(status.INVALID_ARGUMENT, `storage must not be mounted on ${real}`);
}

const isNoDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;

function mountIt(storage: Storage, { kernel }: StorageTools, mode = 0o755): boolean {
  const { source, mount_point, fstype, options } = storage;
  const { flags, data } = parseMountOptions(options);
  makeTarget(mount_point, mode, (flags & MS_BIND) !== 0 && isNoDirectory(source) ? 'file' : 'directory');
  try {
    kernel.mount(source, mount_point, fstype, flags, data);
  } catch (error) {
    throw new GrpcError(status.INTERNAL, `Could not mount ${source} to ${mount_point}: ${errorMessage(error)}`);
  }
  return true;
}

const shared: Driver = (storage, tools) => Promise.resolve(mountIt(storage, tools));

/** A file system on a device that may have just been hot-plugged. */
const onDevice: Driver = async (storage, tools) => {
  const source = await tools.findDevice(storage.driver, storage.source, storage.driver_options);
  return mountIt({ ...storage, source }, tools);
};

/** Memory of the guest; huge pages must be reserved first. */
const ephemeral: Driver = async (storage, tools) => {
  if (storage.fstype === 'hugetlbfs') (await import('./huge-pages.ts')).reserveHugePages(storage.options);
  return mountIt(storage, tools, 0o777);
};

/** Creates a directory in the guest, without a mount. Options: `mode=` in octal, by default 0777, and `fsgid=`, the group. */
const local: Driver = ({ mount_point, options }) => {
  const option = (pattern: RegExp): string | undefined =>
    options.map((text) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
  const [mode, gid] = [option(/^mode=([0-7]+)$/) ?? '777', option(/^fsgid=(\d+)$/)];
  makeTarget(mount_point, 0o777);
  if (gid !== undefined) chownSync(mount_point, -1, Number(gid));
  chmodSync(mount_point, Number.parseInt(mode, 8)); // last: chown clears the set-group-ID bit
  return Promise.resolve(false);
};

const drivers: Readonly<Record<string, Driver>> = {
  '9p': shared,
  'virtio-fs': shared,
  blk: onDevice,
  mmioblk: onDevice,
  scsi: onDevice,
  nvdimm: onDevice,
  ephemeral,
  local,
};

export const storageDrivers = Object.keys(drivers);

/** Mounts the storage. @returns whether a mount was made. @throws GrpcError */
export function provideStorage(storage: Storage, tools: StorageTools): Promise<boolean> {
  const driver = drivers[storage.driver];
  if (!driver) throw new GrpcError(status.INVALID_ARGUMENT, `Unknown storage driver "${storage.driver}"`);
  return driver(storage, tools);
}

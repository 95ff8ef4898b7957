/** Storage drivers: what a request wants mounted in the guest. Counted, because containers share them. */
import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { MNT_DETACH } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Storage } from '@kata-containers/common/generated/agent';
import { GrpcError } from '../service/grpc-error.ts';
import { parseMountOptions } from './parse-mount-options.ts';

type Mounts = Pick<Kernel, 'mount' | 'umount'>;
type Driver = (storage: Storage, kernel: Mounts) => void;

/** A crafted image must not get something mounted over the guest's own /proc and /sys. */
function makeTarget(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode });
  const real = realpathSync(path);
  if (/^\/(proc|sys)(\/|$)/.test(real)) throw new GrpcError(status.INVALID_ARGUMENT, `storage must not be mounted on ${real}`);
}

const mountIt: Driver = ({ source, mount_point, fstype, options }, kernel) => {
  makeTarget(mount_point, 0o755);
  const { flags, data } = parseMountOptions(options);
  kernel.mount(source, mount_point, fstype, flags, data);
};

const ephemeral: Driver = (storage, kernel) => {
  makeTarget(storage.mount_point, 0o777);
  mountIt(storage, kernel);
};

/** A directory of the guest's, no mount: the option `mode=` in octal, wide open otherwise. */
const local: Driver = ({ mount_point, options }) => {
  const mode = options.map((option) => /^mode=([0-7]+)$/.exec(option)?.[1]).find((found) => found !== undefined) ?? '777';
  makeTarget(mount_point, 0o777);
  chmodSync(mount_point, Number.parseInt(mode, 8));
};

const drivers: Readonly<Record<string, Driver>> = { '9p': mountIt, 'virtio-fs': mountIt, ephemeral, local };

export class StorageTable {
  readonly #kernel: Mounts;
  readonly #uses = new Map<string, { count: number; mounted: boolean }>();

  constructor(kernel: Mounts) {
    this.#kernel = kernel;
  }

  /** @throws GrpcError for an unknown driver, KernelError */
  add(storage: Storage): void {
    const known = this.#uses.get(storage.mount_point);
    if (known) {
      known.count++;
      return;
    }
    const driver = drivers[storage.driver];
    if (!driver) throw new GrpcError(status.INVALID_ARGUMENT, `Unknown storage driver "${storage.driver}"`);
    driver(storage, this.#kernel);
    this.#uses.set(storage.mount_point, { count: 1, mounted: driver !== local });
  }

  remove(mountPoint: string): void {
    const use = this.#uses.get(mountPoint);
    if (!use || --use.count > 0) return;
    this.#uses.delete(mountPoint);
    if (use.mounted) this.#kernel.umount(mountPoint, MNT_DETACH);
  }

  /** Last one first: mounts may lie in each other. */
  removeAll(): void {
    for (const mountPoint of [...this.#uses.keys()].toReversed()) {
      const use = this.#uses.get(mountPoint);
      if (use) use.count = 1;
      this.remove(mountPoint);
    }
  }
}

/** The mounts of the sandbox and its containers, with reference counts, because containers share them. */
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { MNT_DETACH, UMOUNT_NOFOLLOW } from '@kata-containers/common/kernel/constants';
import type { Storage } from '@kata-containers/common/generated/agent';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { provideStorage } from './storage-drivers.ts';
import type { StorageTools } from './storage-drivers.ts';

interface Use {
  count: number;
  /** Whether there is a mount to remove. */
  readonly mounted: Promise<boolean>;
}

export class StorageTable {
  readonly #tools: StorageTools;
  readonly #uses = new Map<string, Use>();

  constructor(tools: StorageTools) {
    this.#tools = tools;
  }

  /** All or nothing. @throws GrpcError */
  async addAll(storages: readonly Storage[]): Promise<void> {
    const added: Storage[] = [];
    try {
      for (const storage of storages) {
        await this.#add(storage);
        added.push(storage);
      }
    } catch (error) {
      await this.removeAll(added);
      throw error;
    }
  }

  /** Releases the storages of one user, the last one first: mounts may be nested. */
  async removeAll(storages: readonly Storage[]): Promise<void> {
    for (const { mount_point } of storages.toReversed()) await this.#remove(mount_point);
  }

  /** Releases all storages, with or without a user. */
  async clear(): Promise<void> {
    for (const [mountPoint, use] of [...this.#uses].toReversed()) {
      use.count = 1;
      await this.#remove(mountPoint);
    }
  }

  /** A second user waits for a mount that is being made. */
  async #add(storage: Storage): Promise<void> {
    const known = this.#uses.get(storage.mount_point);
    if (known) {
      known.count++;
      await known.mounted;
      return;
    }
    const mounted = provideStorage(storage, this.#tools);
    this.#uses.set(storage.mount_point, { count: 1, mounted });
    try {
      await mounted;
    } catch (error) {
      this.#uses.delete(storage.mount_point);
      throw error;
    }
  }

  async #remove(mountPoint: string): Promise<void> {
    const use = this.#uses.get(mountPoint);
    if (!use || --use.count > 0) return;
    this.#uses.delete(mountPoint);
    if (!(await use.mounted)) return;
    this.#unmount(mountPoint);
    removeTarget(mountPoint);
  }

  /** Unmounts at once if possible, so that a disk is written back before it is unplugged; lazily if a process still uses the mount. */
  #unmount(mountPoint: string): void {
    const { kernel } = this.#tools;
    try {
      kernel.umount(mountPoint, UMOUNT_NOFOLLOW);
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') throw error;
      kernel.umount(mountPoint, MNT_DETACH | UMOUNT_NOFOLLOW);
    }
  }
}

/** Removes an empty directory, or the file that a device was bind-mounted over. */
function removeTarget(path: string): void {
  try {
    if (lstatSync(path).isFile()) unlinkSync(path);
    else rmdirSync(path);
  } catch {
    // shared with the host, or in use
  }
}

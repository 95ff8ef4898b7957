/** Loop devices and mounts of one test; all are removed. */
import { closeSync, ftruncateSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { DATA_OFFSET, imageHead } from '../../packaging/image/nvdimm-header.ts';
import { good, run } from './run.ts';

/** Runs a program that must succeed. @returns its stdout, trimmed */
const output = async (program: string, ...args: string[]): Promise<string> => (await good(run(program, args))).trim();

export class LoopDevices {
  readonly #devices: string[] = [];
  readonly #mounts: string[] = [];

  /** Attaches `file`, which is made with that size. @returns the device's node */
  async attach(file: string, mebibytes: number, { isReadonly = false, format = false, offset = 0 } = {}): Promise<string> {
    const fd = openSync(file, 'a');
    ftruncateSync(fd, mebibytes << 20);
    closeSync(fd);
    if (format) await output('mkfs.ext4', '-q', '-F', file);
    const device = await output('losetup', '--find', '--show', ...(isReadonly ? ['--read-only'] : []), '--offset', String(offset), file);
    this.#devices.push(device);
    return device;
  }

  /** Makes an image of an NVDIMM with a file system. @returns the device that shows it */
  async attachPmem(image: string, mebibytes = 64): Promise<string> {
    writeFileSync(image, imageHead((mebibytes - 3) << 20).subarray(0, DATA_OFFSET));
    const device = await this.attach(image, mebibytes, { offset: DATA_OFFSET });
    await output('mkfs.ext4', '-q', '-b', '4096', device);
    return device;
  }

  /** Makes an image of an NVDIMM with a file system, and mounts it over a loop device. @returns the mount point */
  async mountPmem(image: string, point: string, mebibytes = 64): Promise<string> {
    const device = await this.attachPmem(image, mebibytes);
    await this.mount(device, point);
    return point;
  }

  async detach(device: string): Promise<void> {
    await output('losetup', '--detach', device);
    this.#devices.splice(this.#devices.indexOf(device), 1);
  }

  async mount(device: string, point: string, options = 'defaults'): Promise<void> {
    mkdirSync(point, { recursive: true });
    await output('mount', '-o', options, device, point);
    this.#mounts.push(point);
  }

  async unmount(point: string): Promise<void> {
    await output('umount', point);
    this.#mounts.splice(this.#mounts.indexOf(point), 1);
  }

  async close(): Promise<void> {
    for (const point of [...this.#mounts].reverse()) await this.unmount(point);
    for (const device of [...this.#devices]) await this.detach(device);
  }
}

/** Numbers of a node, as config.json has them. */
export function numbersOf(node: string): { major: number; minor: number } {
  const { rdev } = statSync(node);
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

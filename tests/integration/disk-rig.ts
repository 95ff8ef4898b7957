/** kata-runtime with the fakes and a loop device. */
import { readFileSync } from 'node:fs';
import type { DiskRecord, SandboxState } from '../../packages/runtime/src/state/state.ts';
import { LoopDevices, numbersOf } from '../support/loop-devices.ts';
import type { Outcome } from '../support/run.ts';
import { RuntimeRig } from './runtime-rig.ts';

export interface DiskCreate {
  readonly storages: readonly { driver: string; source: string; fstype: string; options: string[]; mount_point: string }[];
  readonly devices: readonly { type: string; id: string; vm_path?: string; container_path: string }[];
  readonly OCI: {
    readonly Root: { Path: string };
    readonly Mounts: readonly { destination: string; source: string; type: string }[];
    readonly Linux: {
      readonly Devices: readonly { Path: string; Type: string }[];
      readonly Resources: { readonly Devices: readonly { Major: string }[] };
    };
  };
}

export const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
export const SILENT = { code: 0, stdout: '', stderr: '' };

/** `linux` of a specification with a device, as docker makes it. */
export function withDevice(node: string, access = 'rwm', path = '/dev/disk'): { devices: object[]; resources: object } {
  const numbers = { type: 'b', ...numbersOf(node) };
  const rules = [
    { allow: false, access: 'rwm' },
    { allow: true, ...numbers, access },
  ];
  return { devices: [{ path, ...numbers, fileMode: 0o660 }], resources: { devices: rules } };
}

/** QMP commands that attach and detach a disk. */
export const back = (node: string, isReadonly = false, more = {}): string =>
  `blockdev-add ${JSON.stringify({ driver: 'raw', 'read-only': isReadonly, file: { driver: 'host_device', filename: node }, 'node-name': 'DISK', ...more })}`;
export const front = (lun: number, isShared = true): string =>
  `device_add ${JSON.stringify({ id: 'virtio-DISK', drive: 'DISK', 'share-rw': isShared, driver: 'scsi-hd', bus: 'scsi0.0', 'scsi-id': 0, lun })}`;
export const gone = ['device_del {"id":"virtio-DISK"}', 'blockdev-del {"node-name":"DISK"}'];

export class DiskRig extends RuntimeRig {
  readonly loops = new LoopDevices();
  /** Node of a loop device. */
  disk = '';

  async open(): Promise<void> {
    this.disk = await this.loops.attach(this.scratch.file('disk.img'), 8);
  }

  override async close(): Promise<void> {
    await this.kata('delete', '--force', this.id);
    await this.loops.close();
    await super.close();
  }

  ask(linux: object, mounts?: object[]): void {
    this.changeSpec((spec) => {
      Object.assign(spec.linux, linux);
      if (mounts) spec.mounts = mounts;
    });
  }

  request(): DiskCreate {
    return this.lastRequest('createContainer') as DiskCreate;
  }

  /** The recorded disks. */
  disks(): readonly DiskRecord[] {
    return (JSON.parse(readFileSync(`/run/vc/sbs/${this.id}/persist.json`, 'utf8')) as SandboxState).Devices ?? [];
  }

  /** QEMU's commands, with constant names for disks, and with paths in place of passed fds. */
  commands(): string[] {
    let given = '';
    return this.qmp().flatMap((line) => {
      const [, path] = /^add-fd \{"opaque":"(.*)"\}$/.exec(line) ?? [];
      if (path !== undefined) given = path;
      const named = line.replace(/\/dev\/fdset\/\d+|\/proc\/self\/fd\/100/, given);
      return path === undefined ? [named.replaceAll(/drive-[0-9a-f]{16}/g, 'DISK')] : [];
    });
  }
}

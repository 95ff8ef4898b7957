import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';

function canOpen(device: string): boolean {
  try {
    closeSync(openSync(device, 'r'));
    return true;
  } catch {
    return false; // a machine can refuse its own disk
  }
}

export interface HostDisk {
  readonly major: string;
  readonly minor: string;
}

/** Numbers of a block device of the host that can be opened, also of a loop device without a file. */
export function hostDisk(): HostDisk {
  const name = readdirSync('/sys/block').find((block) => canOpen(`/dev/${block}`));
  assert.ok(name, 'the machine has a block device');
  const [major = '', minor = ''] = readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':');
  return { major, minor };
}

import assert from 'node:assert/strict';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { remountReadOnlyForGuest } from './remount-read-only-for-guest.ts';

describe('remountReadOnlyForGuest', () => {
  const hold = (options: string, own: string): unknown => {
    const { kernel, calls } = recordingKernel();
    remountReadOnlyForGuest(kernel, '/m', `30 1 7:5 / /m ${options} shared:1 - ext4 /dev/loop5 ${own}`);
    return calls;
  };

  it('makes the file system read-only and keeps the flags of the mount', () =>
    assert.deepEqual(hold('rw,nosuid,nodev,relatime', 'rw'), [
      ['mount', 'none', '/m', 'none', 0x20 | 0x1 | 0x2 | 0x4, 'noinit_itable'],
      ['mount', 'none', '/m', 'none', 0x20 | 0x1000 | 0x2 | 0x4],
    ]));
  it('does nothing for a mount that the host cannot write to', () => assert.deepEqual(hold('ro', 'ro'), []));
  it('does nothing for a file system that is read-only already', () => assert.deepEqual(hold('rw', 'ro,noinit_itable'), []));
});

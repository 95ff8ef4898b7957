import assert from 'node:assert/strict';
import { deathsIn } from './kernel-log.ts';

const log = `[   10.000001] segfault at 0 (old)
[  100.500000] device-mapper: uevent
[  100.600000] Memory cgroup out of memory: Killed process 7 (qemu-lite-syste) total-vm:1kB
[  101.000000] audit: type=1326 audit(1.1:2): comm="qemu" sig=31 syscall=101
`;

describe('the kernel log after a failed test', () => {
  it('has the processes that the kernel has killed since the start of the file', () => {
    assert.deepEqual(
      deathsIn(log, 100).map((line) => line.slice(0, 30)),
      ['[  100.600000] Memory cgroup o', '[  101.000000] audit: type=132'],
    );
  });
});

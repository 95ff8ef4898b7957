import assert from 'node:assert/strict';
import { closeSync, existsSync, fstatSync, statSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { openDevice } from './macvtap.ts';

/** An index without an interface, and so without a node in /dev. */
const INDEX = 2 ** 31 - 1;

describe('the device of a macvtap', () => {
  it('is opened by a temporary node if it has no node (root)', function () {
    if (process.getuid?.() !== 0) return this.skip();
    const told: string[] = [];
    const fd = openDevice(INDEX, { major: 1, minor: 5 }, ({ path }) => told.push(path), linuxKernel); // zero
    try {
      assert.equal(fstatSync(fd).rdev, statSync('/dev/zero').rdev);
    } finally {
      closeSync(fd);
    }
    assert.deepEqual(told.map((path) => [/^\/dev\/kata-[0-9a-f-]+$/.test(path), existsSync(path)]), [[true, false]]); // prettier-ignore
  });
});

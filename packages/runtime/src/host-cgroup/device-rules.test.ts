import assert from 'node:assert/strict';
import { blockDevice, qemuDevices, deviceRuleText } from './device-rules.ts';

describe('the devices of QEMU', () => {
  it('with 9p: mknod of any device, access to few devices', () =>
    assert.deepEqual(qemuDevices({ makesNodes: true }).map(deviceRuleText), ['c 1:3 rw', 'c 1:5 rw', 'c 1:9 rw', 'c *:* m', 'b *:* m']));
  it('with virtio-fs: no mknod', () =>
    assert.deepEqual(qemuDevices({ makesNodes: false }).map(deviceRuleText), ['c 1:3 rw', 'c 1:5 rw', 'c 1:9 rw']));
  it('include an attached disk', () => assert.equal(deviceRuleText(blockDevice({ major: 259, minor: 1048575 })), 'b 259:1048575 rw'));
});

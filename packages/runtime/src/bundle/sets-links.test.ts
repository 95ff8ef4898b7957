import assert from 'node:assert/strict';
import { setsLinks } from './sets-links.ts';

describe('setsLinks', () => {
  for (const [names, expected] of [
    [[], false],
    [['kernel.shmmax', 'fs.mqueue.msg_max'], false],
    [['net.ipv4.ip_unprivileged_port_start', 'net/ipv4/ping_group_range'], false],
    [['net.ipv4.conf.eth0.rp_filter'], true],
    [['net/ipv6/conf/eth0.1/forwarding'], true],
    [['net.ipv4.ip_forward'], true], // sets a value of each link
  ] as const)
    it(`${names.join(', ') || 'none'}: ${expected}`, () =>
      assert.equal(setsLinks({ linux: { sysctl: Object.fromEntries(names.map((name) => [name, '1'])) } }), expected));
});

import assert from 'node:assert/strict';
import { RESOLVER_PORT_RANGE, resolverFilters } from './resolver-filter-plan.ts';

describe('resolverFilters', () => {
  it('keep neighbour replies and DNS answers to reserved ports in the namespace', () => {
    assert.deepEqual(resolverFilters('eth0', 'tap0_kata'), [
      'filter add dev eth0 parent ffff: protocol arp prio 1 u32 match u16 0x0002 0xffff at 6 action mirred egress mirror dev tap0_kata',
      'filter add dev eth0 parent ffff: protocol ip prio 2 u32 match ip protocol 17 0xff match ip sport 53 0xffff match ip dport 61440 0xff00 flowid 1:1',
      'filter add dev eth0 parent ffff: protocol ip prio 2 u32 match ip protocol 6 0xff match ip sport 53 0xffff match ip dport 61440 0xff00 flowid 1:1',
      'filter add dev eth0 parent ffff: protocol ipv6 prio 3 u32 match ip6 protocol 17 0xff match ip6 sport 53 0xffff match ip6 dport 61440 0xff00 flowid 1:1',
      'filter add dev eth0 parent ffff: protocol ipv6 prio 3 u32 match ip6 protocol 6 0xff match ip6 sport 53 0xffff match ip6 dport 61440 0xff00 flowid 1:1',
      'filter add dev eth0 parent ffff: protocol ipv6 prio 3 u32 match ip6 protocol 58 0xff match u8 136 0xff at 40 action mirred egress mirror dev tap0_kata',
    ]);
    assert.equal(RESOLVER_PORT_RANGE, '61440 61695');
  });
});

import assert from 'node:assert/strict';
import { link } from './example-link.test-support.ts';
import { isMacvtap, localMac, macvtapBatch, macvtapIndex, planNetworks, restoreBatch, savedLink } from './macvtap-plan.ts';

describe('macvtap', () => {
  it('takes over the address of the link (golden file)', () => {
    const step = { link, tap: 'tap0_kata', index: 9000, linkMac: '06:00:00:00:00:01' };
    const queue = (length: number): string =>
      'address flush dev eth0\n' +
      'link set dev eth0 address 06:00:00:00:00:01\n' +
      `link add link eth0 name tap0_kata index 9000 address 02:42:ac:11:00:02 mtu 1450 txqueuelen ${length} type macvtap mode bridge\n` +
      'link set dev tap0_kata up\n' +
      'link set dev eth0 up\n';
    assert.equal(macvtapBatch(step), queue(1500));
    assert.equal(macvtapBatch({ ...step, link: { ...link, txQueueLength: 1000 } }), queue(1000));
  });

  it('restores the address of the link', () => {
    assert.equal(
      restoreBatch(savedLink(link)),
      'link set dev eth0 address 02:42:ac:11:00:02\naddress add 172.17.0.2/16 dev eth0\naddress add fd00::2/64 dev eth0\n',
    );
  });

  const models: [model: string, kind: string, is: boolean][] = [
    ['macvtap', 'veth', true],
    ['macvtap', 'macvlan', true],
    ['macvtap', 'ipvlan', false],
    ['tcfilter', 'veth', false],
    ['default', 'veth', false],
  ];
  for (const [model, kind, is] of models) it(`${model} for ${kind}: ${is}`, () => assert.equal(isMacvtap(model, { kind }), is));

  it('connects each link that has its own hardware address by a macvtap', () => {
    const links = [link, { ...link, name: 'ip0', kind: 'ipvlan', mac: 'b' }, { ...link, name: 'net1', mac: 'c' }];
    assert.deepEqual(planNetworks(links, 'macvtap'), [
      { tap: 'tap0_kata', mac: link.mac, macvtap: true },
      { tap: 'tap1_kata', mac: 'b' },
      { tap: 'tap2_kata', mac: 'c', macvtap: true },
    ]);
    assert.deepEqual(planNetworks([link], 'tcfilter'), [{ tap: 'tap0_kata', mac: link.mac }]);
  });

  it('keeps numbers and addresses in their ranges', () => {
    assert.deepEqual([macvtapIndex(0), macvtapIndex(0xffff)], [8192, 73727]);
    assert.equal(localMac(Uint8Array.of(0xff, 1, 2, 3, 4, 0xab)), 'fe:01:02:03:04:ab');
    assert.equal(localMac(Uint8Array.of(0, 0, 0, 0, 0, 0)), '02:00:00:00:00:00');
  });
});

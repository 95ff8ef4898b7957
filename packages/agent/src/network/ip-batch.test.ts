import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';
import { ARPNeighbor, Interface, Route } from '@kata-containers/common/generated/types';
import { findLink, waitForLink } from './find-link.ts';
import { interfaceBatch, neighboursBatch, routesBatch } from './ip-batch-plan.ts';

describe('interfaceBatch', () => {
  it('renames, sizes and addresses', () => {
    const wanted = Interface.fromPartial({
      name: 'eth0',
      mtu: 1450n,
      hwAddr: '02:42:ac:11:00:02',
      IPAddresses: [
        { family: 0, address: '172.17.0.2', mask: '16' },
        { family: 1, address: 'fd00::2', mask: '64' },
      ],
    });
    assert.deepEqual(interfaceBatch('eth1', wanted), [
      'link set dev eth1 down',
      'link set dev eth1 address 02:42:ac:11:00:02',
      'address flush dev eth1',
      'link set dev eth1 name eth0',
      'link set dev eth0 mtu 1450',
      'link set dev eth0 arp on up',
      'address add 172.17.0.2/16 dev eth0 brd +',
      'address add fd00::2/64 dev eth0 nodad',
    ]);
  });
  it('words with blanks are refused', () => {
    assert.throws(() => interfaceBatch('eth0', Interface.fromPartial({ name: 'x down; y' })), /invalid word/);
  });
});

describe('routesBatch', () => {
  it('direct routes come first, the default has a name', () => {
    const routes = [
      Route.fromPartial({ gateway: '10.0.0.1', device: 'eth0' }),
      Route.fromPartial({ dest: '10.0.0.1', device: 'eth0', scope: 253 }),
    ];
    assert.deepEqual(routesBatch(routes), ['route replace 10.0.0.1 dev eth0 scope 253', 'route replace default via 10.0.0.1 dev eth0']);
  });
  it('IPv6 routes look the same', () => {
    assert.deepEqual(routesBatch([Route.fromPartial({ gateway: 'fd00::1', device: 'eth0' })]), [
      'route replace default via fd00::1 dev eth0',
    ]);
  });
});

describe('neighboursBatch', () => {
  it('adds static neighbours', () => {
    const row = ARPNeighbor.fromPartial({ toIPAddress: { address: '10.0.0.9' }, device: 'eth0', lladdr: '02:00:00:00:00:09' });
    assert.deepEqual(neighboursBatch([row]), ['neighbour replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent']);
  });
});

describe('finding a link', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'links-'));
    mkdirSync(join(root, 'eth3'));
    writeFileSync(join(root, 'eth3/address'), '02:42:AC:11:00:02\n');
    mkdirSync(join(root, 'bonding_masters'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('by hardware address, in any case', () => assert.equal(findLink('02:42:ac:11:00:02', root), 'eth3'));
  it('the first spare one of a template, when none has the address', async () => {
    for (const index of [1, 0]) {
      mkdirSync(join(root, `eth${9 - index}`));
      writeFileSync(join(root, `eth${9 - index}/address`), `${spareLinkPrefix}0${index}\n`);
    }
    assert.equal(await waitForLink('02:42:ac:11:00:02', 1, root), 'eth3');
    assert.equal(await waitForLink('02:42:ac:11:00:07', 1, root), 'eth9');
  });
  it('says what did not appear', async () => {
    await assert.rejects(waitForLink('02:00:00:00:00:01', 1, root), /no network device with address 02:00:00:00:00:01/);
  });
});

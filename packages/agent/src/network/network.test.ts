import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';
import { ARPNeighbor, Interface, Route } from '@kata-containers/common/generated/types';
import { LinkSearch } from './find-link.ts';
import { interfaceRequests, neighbourRequests, routeRequests } from './network-plan.ts';
import { parseIp, parseMac, parsePrefix } from './address-bytes.ts';
import type { NetworkRequest } from './route-socket.ts';
import { parseReplies } from './rtnetlink-message.ts';

describe('addresses', () => {
  const good: [text: string, family: string, hex: string][] = [
    ['10.0.0.255', 'inet', '0a0000ff'],
    ['fd00::1', 'inet6', 'fd000000000000000000000000000001'],
    ['::', 'inet6', '0'.repeat(32)],
    ['1:2:3:4:5:6:7:8', 'inet6', '00010002000300040005000600070008'],
    ['::ffff:10.0.0.1', 'inet6', '00000000000000000000ffff0a000001'],
    ['fe80::1%eth0', 'inet6', 'fe800000000000000000000000000001'],
  ];
  for (const [text, family, hex] of good) {
    it(text, () => {
      const found = parseIp(text);
      assert.deepEqual([found.family, found.bytes.toString('hex')], [family, hex]);
    });
  }
  for (const text of ['', '10.0.0', '10.0.0.1 dev eth1', 'fd00:::1', '10.0.0.1/33', '10.0.0.1/', 'fd00::/129', '1.2.3.4/8/8'])
    it(`${JSON.stringify(text)} is rejected`, () => assert.throws(() => parsePrefix(text), /invalid address/));
  it('have prefix lengths', () => assert.deepEqual([parsePrefix('10.0.0.0/8').length, parsePrefix('fd00::').length], [8, 128]));
  for (const text of ['', '02:42', '02:42:ac:11:00:0g', '02:42:ac:11:00:02:'])
    it(`${JSON.stringify(text)} is not a hardware address`, () => assert.throws(() => parseMac(text), /invalid address/));
});

describe('requests to the kernel', () => {
  const hex = (requests: readonly NetworkRequest[]): string[] => requests.map(({ message }) => message.toString('hex'));
  const index = (name: string): number => (name === 'eth0' ? 7 : assert.fail(name));

  it('set name, MTU and addresses of an interface (bytes of rtnetlink(7))', () => {
    const wanted = Interface.fromPartial({
      name: 'eth0',
      mtu: 1450n,
      hwAddr: '02:42:ac:11:00:02',
      IPAddresses: [
        { family: 0, address: '172.17.0.2', mask: '16' },
        { family: 1, address: 'fd00::2', mask: '64' },
      ],
    });
    assert.deepEqual(hex(interfaceRequests('eth1', 7, wanted)), [
      '40000000100005000000000000000000' +
        '00000000070000000100000081000000' +
        '0a0001000242ac1100020000' +
        '08000400aa050000' +
        '090003006574683000000000',
      '30000000140005060000000000000000' + '0210000007000000' + '08000200ac110002' + '08000100ac110002' + '08000400ac11ffff',
      '40000000140005060000000000000000' +
        '0a40020007000000' +
        '14000200fd000000000000000000000000000002' +
        '14000100fd000000000000000000000000000002',
    ]);
  });
  it('set direct routes first, with the scope of their link', () => {
    const routes = [
      Route.fromPartial({ gateway: '10.0.0.1', device: 'eth0' }),
      Route.fromPartial({ dest: '10.0.0.0/8', device: 'eth0', source: '10.0.0.2' }),
    ];
    assert.deepEqual(hex(routeRequests(routes, index)), [
      '34000000180005050000000000000000' + '02080000fe03fd0100000000' + '080001000a000000' + '080007000a000002' + '0800040007000000',
      '2c000000180005050000000000000000' + '02000000fe03000100000000' + '080005000a000001' + '0800040007000000',
    ]);
  });
  it('set onlink, metric and MTU of a route', () => {
    const route = Route.fromPartial({ gateway: '169.254.1.1', device: 'eth0', flags: 4, priority: 50, mtu: 1400 });
    assert.deepEqual(hex(routeRequests([route], index)), [
      '40000000180005050000000000000000' +
        '02000000fe03000104000000' +
        '08000500a9fe0101' +
        '0800040007000000' +
        '0800060032000000' +
        '0c0008000800020078050000',
    ]);
  });
  it('set a route with several gateways', () => {
    const nextHops = [
      { gateway: '10.0.0.1', device: 'eth0', weight: 3, flags: 4 },
      { gateway: '', device: 'eth0', weight: 1, flags: 0 },
    ];
    assert.deepEqual(hex(routeRequests([Route.fromPartial({ dest: '10.9.0.0/16', nextHops })], index)), [
      '40000000180005050000000000000000' +
        '02100000fe03000100000000' +
        '080001000a090000' +
        '1c000900' +
        '1000040207000000' +
        '080005000a000001' +
        '0800000007000000',
    ]);
  });
  it('set IPv4 routes with IPv6 gateways (struct rtvia)', () => {
    const gateway = 'fe80::1';
    const routes = [
      Route.fromPartial({ dest: '0.0.0.0/0', gateway, device: 'eth0' }),
      Route.fromPartial({ dest: '10.9.0.0/16', nextHops: [{ gateway, device: 'eth0', weight: 1, flags: 0 }] }),
    ];
    const via = '16001200' + '0a00' + 'fe800000000000000000000000000001' + '0000';
    assert.deepEqual(hex(routeRequests(routes, index)), [
      '44000000180005050000000000000000' + '02000000fe03000100000000' + '0800010000000000' + via + '0800040007000000',
      '48000000180005050000000000000000' + '02100000fe03000100000000' + '080001000a090000' + '24000900' + '2000000007000000' + via,
    ]);
  });
  it('set a blackhole route', () => {
    const route = Route.fromPartial({ dest: '10.0.0.0/8', type: 6 });
    assert.deepEqual(hex(routeRequests([route], index)), [
      '24000000180005050000000000000000' + '02080000fe03000600000000' + '080001000a000000',
    ]);
  });
  it('set an IPv6 default route, recognised by its gateway', () => {
    const [request] = routeRequests([Route.fromPartial({ gateway: 'fd00::1', device: 'eth0' })], index);
    assert.equal(request?.message[16], 10);
  });
  it('set a static neighbour', () => {
    const row = ARPNeighbor.fromPartial({ toIPAddress: { address: '10.0.0.9' }, device: 'eth0', lladdr: '02:00:00:00:00:09' });
    assert.deepEqual(hex(neighbourRequests([row], index)), [
      '300000001c0005050000000000000000' + '020000000700000080000000' + '080001000a000009' + '0a0002000200000000090000',
    ]);
  });

  const refused: [name: string, act: () => unknown, text: RegExp][] = [
    ['a name with a blank', () => interfaceRequests('eth0', 7, Interface.fromPartial({ name: 'x down' })), /invalid name/],
    ['a name that is too long', () => interfaceRequests('eth0', 7, Interface.fromPartial({ name: 'a'.repeat(16) })), /invalid name/],
    [
      'addresses of two families',
      () => routeRequests([Route.fromPartial({ dest: 'fd00::/8', gateway: '10.0.0.1' })], index),
      /two families/,
    ],
    [
      'a source of the other family',
      () => routeRequests([Route.fromPartial({ dest: '10.0.0.0/8', source: 'fd00::1' })], index),
      /two families/,
    ],
  ];
  for (const [name, act, text] of refused) it(`${name} is refused`, () => assert.throws(act, text));
});

describe('parseReplies', () => {
  const message = (type: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(16 + payload.length, 0);
    head.writeUInt16LE(type, 4);
    return Buffer.concat([head, payload, Buffer.alloc(-payload.length & 3)]);
  };
  it('returns rows, results and the end', () => {
    const answers = parseReplies(
      Buffer.concat([message(20, Buffer.from('row')), message(2, Buffer.from([0xed, 0xff, 0xff, 0xff])), message(3, Buffer.alloc(4))]),
    );
    assert.deepEqual(answers, [{ kind: 'row', type: 20, payload: Buffer.from('row') }, { kind: 'result', errno: 19 }, { kind: 'done' }]);
  });
  it('ignores an incomplete message', () => assert.deepEqual(parseReplies(message(3, Buffer.alloc(4)).subarray(0, 18)), []));
});

describe('search for a link', () => {
  const MAC = '02:42:ac:11:00:02';
  let root = '';
  let search: LinkSearch;
  function addLink(name: string, index: number, address: string): void {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'address'), `${address}\n`);
    writeFileSync(join(root, name, 'ifindex'), `${index}\n`);
  }
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'links-'));
    search = new LinkSearch(root);
    addLink('eth3', 3, '02:42:AC:11:00:02');
    mkdirSync(join(root, 'bonding_masters'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const wanted = (hwAddr: string, name: string): { hwAddr: string; name: string; device: string } => ({ hwAddr, name, device: name });
  /** Finds the device, and gives it the name. */
  function use(hwAddr: string, name: string): string | undefined {
    const found = search.find(wanted(hwAddr, name));
    if (found !== undefined && found !== name) renameSync(join(root, found), join(root, name));
    search.configured(name);
    return found;
  }

  it('compares hardware addresses without regard to case', () => assert.equal(search.find(wanted(MAC, 'x')), 'eth3'));
  it("returns the template's first spare link if no link has the address", async () => {
    for (const index of [1, 0]) addLink(`eth${9 - index}`, 9 - index, `${spareLinkPrefix}0${index}`);
    assert.equal(await search.wait(wanted(MAC, 'x'), 1), 'eth3');
    assert.equal(await search.wait(wanted('02:42:ac:11:00:07', 'y'), 1), 'eth9');
  });
  it('two links with one address: each request gets a link of its own, in the order of their cards, and later finds it again', () => {
    addLink('eth12', 12, MAC);
    assert.deepEqual([use(MAC, 'a'), use(MAC, 'b')], ['eth3', 'eth12']);
    assert.deepEqual([use(MAC, 'b'), use(MAC, 'a')], ['b', 'a']);
  });
  it('two links with one address in the clone of a template: the second request gets the spare link', () => {
    addLink('eth9', 9, `${spareLinkPrefix}00`);
    assert.deepEqual([use(MAC, 'a'), use(MAC, 'b')], ['eth3', 'eth9']);
  });
  it('a link that was made spare again is free', () => {
    use(MAC, 'a');
    writeFileSync(join(root, 'a/address'), `${spareLinkPrefix}00\n`);
    search.configured('a');
    writeFileSync(join(root, 'a/address'), MAC);
    addLink('eth9', 9, MAC);
    assert.equal(use(MAC, 'b'), 'a');
  });
  it('a PCI path names one of two links with one address, and no other link', () => {
    addLink('eth9', 9, MAC);
    assert.deepEqual(
      [['eth9'], ['eth3'], []].map((at) => search.find(wanted(MAC, 'x'), () => at)),
      ['eth9', 'eth3', undefined],
    );
  });
  it('names the missing device in the error', async () => {
    await assert.rejects(search.wait(wanted('02:00:00:00:00:01', 'x'), 1), /no network device with address 02:00:00:00:00:01/);
  });
});

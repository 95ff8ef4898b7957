import assert from 'node:assert/strict';
import { link } from '../network/example-link.test-support.ts';
import type { NetworkFacts } from '../network/join.ts';
import type { Address, Link, Route } from '../network/parse-links.ts';
import type { Endpoint } from '../state/state.ts';
import { planSync, withoutLinks } from './network-sync-plan.ts';

const route: Route = {
  ...{ family: 'inet' as const, destination: '', gateway: '172.17.0.1', device: 'eth0', source: '' },
  ...{ scope: 0, flags: 0, priority: 0, mtu: 0, type: 1 },
};
const eth1: Link = {
  ...link,
  name: 'eth1',
  mac: '02:42:ac:12:00:02',
  addresses: [{ family: 'inet', address: '172.18.0.2', prefixLength: 16 }],
};
const facts = (links: readonly Link[], present: Readonly<Record<string, number>>): NetworkFacts => ({
  ...{ links, present, routes: [route], neighbours: [], taps: [] },
});
const endpoint = (of: Link, index: number): Endpoint => ({
  ...{ Name: of.name, HardAddr: of.mac, Tap: `tap${index}_kata`, NetDev: `network-${index}`, Slot: 0 },
});
const configured = facts([link], { eth0: 5 });
const endpoints = [endpoint(link, 0)];
const summary = (found: NetworkFacts, from = configured, of = endpoints): object => {
  const { gone, added, changed, hasNewRoutes } = planSync(of, from, found);
  return {
    gone: gone.map(({ Name }) => Name),
    added: added.map(({ name }) => name),
    changed: changed.map(({ name }) => name),
    hasNewRoutes,
  };
};
const NOTHING = { gone: [], added: [], changed: [], hasNewRoutes: false };

const linkLocal = (address: string): Address => ({ family: 'inet6', address, prefixLength: 64 });

describe('planSync', () => {
  const cases: [what: string, found: NetworkFacts, expected: object][] = [
    ['nothing', configured, NOTHING],
    ['a link is added', facts([link, eth1], { eth0: 5, eth1: 7 }), { ...NOTHING, added: ['eth1'], hasNewRoutes: true }],
    ['a link is removed', facts([], {}), { ...NOTHING, gone: ['eth0'], hasNewRoutes: true }],
    ['a link has lost its addresses', facts([], { eth0: 5 }), { ...NOTHING, gone: ['eth0'], hasNewRoutes: true }],
    ['another link of that name', facts([link], { eth0: 9 }), { gone: ['eth0'], added: ['eth0'], changed: [], hasNewRoutes: true }],
    [
      'another MAC address',
      facts([{ ...link, mac: '02:00:00:00:00:01' }], { eth0: 5 }),
      { gone: ['eth0'], added: ['eth0'], changed: [], hasNewRoutes: true },
    ],
    ["a queue length, which attaching the link's tap sets on the host", facts([{ ...link, txQueueLength: 1000 }], { eth0: 5 }), NOTHING],
    ['another MTU', facts([{ ...link, mtu: 1400 }], { eth0: 5 }), { ...NOTHING, changed: ['eth0'], hasNewRoutes: true }],
    [
      'another address',
      facts([{ ...link, addresses: eth1.addresses }], { eth0: 5 }),
      { ...NOTHING, changed: ['eth0'], hasNewRoutes: true },
    ],
    [
      'the link-local address of the MAC address, which the guest has already',
      facts([{ ...link, addresses: [...link.addresses, linkLocal('fe80::42:acff:fe11:2')] }], { eth0: 5 }),
      NOTHING,
    ],
    [
      'another link-local address',
      facts([{ ...link, addresses: [...link.addresses, linkLocal('fe80::5')] }], { eth0: 5 }),
      { ...NOTHING, changed: ['eth0'], hasNewRoutes: true },
    ],
    ['another route', { ...configured, routes: [] }, { ...NOTHING, hasNewRoutes: true }],
    ['another policy rule', { ...configured, rules: [{ family: 'inet', priority: 9, action: 7 }] }, { ...NOTHING, hasNewRoutes: true }],
  ];
  for (const [what, found, expected] of cases) it(what, () => assert.deepEqual(summary(found), expected));

  it('keeps the addresses that a macvtap has taken over from its link', () => {
    const saved = [{ ...endpoint(link, 0), Saved: { name: 'eth0', mac: link.mac, addresses: [] } }];
    const bare = { ...facts([], { eth0: 5 }), routes: [] };
    assert.deepEqual(summary(bare, configured, saved), NOTHING);
    assert.deepEqual(planSync(saved, configured, { ...bare, links: [eth1], present: { eth0: 5, eth1: 7 } }).facts.links, [link, eth1]);
    assert.deepEqual(summary(bare, { ...configured, rules: [{ family: 'inet6', priority: 9, action: 7 }] }, saved), NOTHING);
    assert.deepEqual(summary({ ...bare, present: {} }, configured, saved), { ...NOTHING, gone: ['eth0'], hasNewRoutes: true });
  });
  it('configures everything without a record of the guest configuration', () => {
    const nothing = { ...facts([], {}), routes: [] };
    assert.deepEqual(summary(configured, nothing), { gone: [], added: [], changed: ['eth0'], hasNewRoutes: true });
  });
  it('omits a link that was detached by hand, with its routes', () => {
    const { links, routes } = withoutLinks(facts([link, eth1], { eth0: 5, eth1: 7 }), ['eth0']);
    assert.deepEqual([links, routes], [[eth1], []]);
  });
});

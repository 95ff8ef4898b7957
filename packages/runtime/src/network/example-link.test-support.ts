/** A link as docker makes it, for tests. */
import type { Link } from './parse-links.ts';

export const link: Link = {
  name: 'eth0',
  kind: 'veth',
  mac: '02:42:ac:11:00:02',
  mtu: 1450,
  txQueueLength: 0,
  noArp: false,
  ipv6: { isDisabled: false, disabledOf: [], acceptsAdvertisements: false },
  addresses: [
    { family: 'inet', address: '172.17.0.2', prefixLength: 16 },
    { family: 'inet6', address: 'fd00::2', prefixLength: 64 },
  ],
};

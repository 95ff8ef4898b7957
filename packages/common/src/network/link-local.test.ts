import assert from 'node:assert/strict';
import { isLinkLocal, linkLocalOf } from './link-local.ts';

describe('IPv6 link-local addresses', () => {
  const known: [mac: string, address: string][] = [
    ['02:42:ac:11:00:02', 'fe80::42:acff:fe11:2'],
    ['52:54:00:12:34:56', 'fe80::5054:ff:fe12:3456'],
    ['02:00:00:00:00:00', 'fe80::ff:fe00:0'],
    ['00:1B:21:00:0a:00', 'fe80::21b:21ff:fe00:a00'],
    ['', ''],
    ['80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01', ''],
  ];
  for (const [mac, address] of known) it(`${mac || 'no address'}: ${address || 'none'}`, () => assert.equal(linkLocalOf(mac), address));
  for (const [address, expected] of [
    ['fe80::1', true],
    ['febf::1', true],
    ['fec0::1', false],
    ['fd00::1', false],
    ['169.254.1.1', false],
  ] as const)
    it(`${address} is ${expected ? '' : 'not '}link-local`, () => assert.equal(isLinkLocal(address), expected));
});

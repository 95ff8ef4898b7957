import assert from 'node:assert/strict';
import { interfaceJson, parseInterface, parseRouteList, routeJson } from './network-message.ts';

describe("kata-network's JSON", () => {
  const link = {
    ...{ Device: 'eth1', Name: 'eth1', IPAddresses: [{ Family: 1, Address: 'fd00::2', Mask: '64' }], Mtu: 1500, RawFlags: 128 },
    ...{ HwAddr: '02:00:00:00:00:01', PciPath: '02/03', LinkType: 'veth' },
  };
  it('is equal after an interface is parsed and written', () =>
    assert.deepEqual(interfaceJson(parseInterface(JSON.stringify(link))), link));
  it('may have keys in any case, as in Go', () => {
    const parsed = parseInterface('{"device":"eth0","hwaddr":"02:00:00:00:00:02","ipaddresses":[{"address":"10.0.0.2","mask":"24"}]}');
    assert.deepEqual(
      [parsed.device, parsed.hwAddr, parsed.IPAddresses[0]?.address, parsed.mtu],
      ['eth0', '02:00:00:00:00:02', '10.0.0.2', 0n],
    );
  });
  it('is equal after routes are parsed and written', () => {
    const routes = [{ Dest: '10.0.0.0/8', Gateway: '10.0.0.1', Device: 'eth0', Source: '', Scope: 253 }];
    assert.deepEqual(parseRouteList(JSON.stringify(routes)).map(routeJson), routes);
  });
  const wrong: [name: string, act: () => unknown, text: RegExp][] = [
    ['no JSON', () => parseInterface('{'), /the interface is not JSON/],
    ['a list for an interface', () => parseInterface('[]'), /must be a JSON object/],
    ['an object for routes', () => parseRouteList('{}'), /must be a JSON array/],
  ];
  for (const [name, act, complaint] of wrong) it(`refuses ${name}`, () => assert.throws(act, complaint));
});

import assert from 'node:assert/strict';
import { socketPath } from './socket-address.ts';

describe('socketPath', () => {
  it('takes a URI and a bare path', () => assert.deepEqual([socketPath('unix:///a/b'), socketPath('/a/b')], ['/a/b', '/a/b']));
  const wrong: [name: string, address: string, reason: RegExp][] = [
    ['another scheme', 'tcp://1.2.3.4', /invalid address scheme/],
    ['nothing', 'unix://', /empty/],
    ['a path that is too long for a socket', `/${'x'.repeat(107)}`, /path too long \(got 108, max 107\)/],
  ];
  for (const [name, address, reason] of wrong) it(`${name} is refused`, () => assert.throws(() => socketPath(address), reason));
});

import assert from 'node:assert/strict';
import { withCurrentKeys } from './current-keys.ts';

describe('keys of state files', () => {
  const network = { NetNsPath: '/n' };
  const facts = { links: [] };
  const cases: [name: string, saved: unknown, read: unknown][] = [
    [
      'of an earlier version',
      { Holder: 'a', Network: { ...network, Told: facts } },
      { CgroupContainer: 'a', Network: { ...network, GuestNetwork: facts } },
    ],
    [
      'of this version',
      { CgroupContainer: 'b', Network: { ...network, GuestNetwork: facts } },
      { CgroupContainer: 'b', Network: { ...network, GuestNetwork: facts } },
    ],
    ['of both versions', { Holder: 'a', CgroupContainer: 'b', Network: network }, { CgroupContainer: 'b', Network: network }],
    ['without a network', { Holder: 'a' }, { CgroupContainer: 'a' }],
    ['of a damaged file', [null], [null]],
  ];
  for (const [name, saved, read] of cases) it(name, () => assert.deepEqual(withCurrentKeys(saved), read));
});

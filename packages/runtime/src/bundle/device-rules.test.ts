import assert from 'node:assert/strict';
import type { DeviceCgroup } from '@kata-containers/common/oci/spec';
import { allowAll, guestDeviceRules } from './device-rules.ts';

const text = (rules: readonly DeviceCgroup[], absent: Parameters<typeof guestDeviceRules>[1] = []): string[] =>
  guestDeviceRules(rules, absent).map(({ Allow, Type, Major, Minor, Access }) => `${Allow ? '+' : '-'}${Type} ${Major}:${Minor} ${Access}`);
const [nothing, tun] = ['- -1:-1 rwm', '+c 10:200 rwm'];

describe('guestDeviceRules', () => {
  const cases: [name: string, rules: DeviceCgroup[], expected: string[]][] = [
    ['no rules: as with runc, the default devices', [], []],
    ['one number', [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }], ['+c 10:229 rw']],
    ['the number zero', [{ allow: true, type: 'b', major: 7, minor: 0, access: 'r' }], ['+b 7:0 r']],
    ['every minor number', [{ allow: true, type: 'b', major: 8, access: 'rwm' }], ['+b 8:-1 rwm']],
    ['every number', [{ allow: true, type: 'c', access: 'm' }], ['+c -1:-1 m']],
    ['numbers of -1, as docker writes them', [{ allow: true, type: 'c', major: 136, minor: -1, access: 'rw' }], ['+c 136:-1 rw']],
    ['an unbuffered character device', [{ allow: true, type: 'u', major: 4, minor: 1, access: 'r' }], ['+c 4:1 r']],
    ['no access, which means all', [{ allow: false, type: 'b', major: 8, minor: 1 }], ['-b 8:1 rwm']],
    ['every device', [{ allow: true, type: 'a', access: 'rwm' }], ['+a -1:-1 rwm']],
  ];
  for (const [name, rules, expected] of cases) it(name, () => assert.deepEqual(text(rules), [nothing, ...expected, tun]));

  const device = { path: '/dev/d', type: 'b', major: 8, minor: 0 };
  it('has no rule for a device that the host does not have', () => {
    const own = [{ allow: true, type: 'b', major: 8, minor: 0, access: 'rwm' }];
    assert.deepEqual(text(own, [device]), [nothing, tun]);
  });
  it('denies such a device to a privileged container', () =>
    assert.deepEqual(text([{ allow: true, access: 'rwm' }], [device]), [nothing, '+ -1:-1 rwm', tun, '-b 8:0 rw']));
});

describe('allowAll', () => {
  const all = { allow: true, access: 'rwm' };
  const cases: [name: string, rules: DeviceCgroup[], expected: boolean][] = [
    ['a privileged container', [all], true],
    ['a default before an exception', [{ allow: false, access: 'rwm' }, all], true],
    [
      'a container with devices',
      [
        { allow: false, access: 'rwm' },
        { ...all, type: 'c', major: 1, minor: 3 },
      ],
      false,
    ],
    ['no rules', [], false],
  ];
  for (const [name, rules, expected] of cases) it(name, () => assert.equal(allowAll(rules), expected));
});

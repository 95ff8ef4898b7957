import assert from 'node:assert/strict';
import type { Spec } from '@kata-containers/common/oci/spec';
import { ignoredOptions } from './ignored-options.ts';

const all = ['pid', 'ipc', 'uts', 'network', 'mount'].map((type) => ({ type }));
const without = (name: string): Spec => ({ linux: { namespaces: all.filter(({ type }) => type !== name) } }) as Spec;
const withProfile = (apparmorProfile: string): Spec => ({ linux: { namespaces: all }, process: { apparmorProfile } }) as Spec;

describe('ignoredOptions', () => {
  const cases: [name: string, spec: Spec, expected: string[]][] = [
    ['nothing', { linux: { namespaces: all } } as Spec, []],
    ['a bundle without namespaces', {} as Spec, []],
    ['--pid=host', without('pid'), ["--pid=host has no effect: a VM does not share the host's PID namespace"]],
    ['--ipc=host', without('ipc'), ["--ipc=host has no effect: a VM does not share the host's IPC namespace"]],
    ['--uts=host', without('uts'), ["--uts=host has no effect: a VM does not share the host's UTS namespace"]],
    [
      'a user namespace',
      { linux: { namespaces: [...all, { type: 'user' }] } } as Spec,
      ['the user namespace has no effect: the container has user ids of its VM'],
    ],
    ["an engine's own profile", withProfile('docker-default'), []],
    ['no profile', withProfile('unconfined'), []],
    ['a profile', withProfile('mine'), ["the AppArmor profile mine has no effect: the guest's kernel has no AppArmor"]],
  ];
  for (const [name, spec, expected] of cases) it(name, () => assert.deepEqual(ignoredOptions(spec), expected));
});

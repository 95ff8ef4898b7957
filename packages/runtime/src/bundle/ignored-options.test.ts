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
    [
      "another container's namespaces",
      { linux: { namespaces: [...all.filter(({ type }) => type !== 'ipc'), { type: 'ipc', path: '/proc/9/ns/ipc' }] } } as Spec,
      ['--ipc=container:ID has no effect: two VMs do not share a namespace'],
    ],
    [
      'an SELinux label',
      { process: { selinuxLabel: 'system_u:system_r:container_t:s0' } } as Spec,
      ["the SELinux label system_u:system_r:container_t:s0 has no effect: the guest's kernel has no SELinux"],
    ],
    [
      'limits that do not exist in a VM',
      {
        linux: { namespaces: all, resources: { network: { classID: 1 }, unified: { 'memory.high': '1' }, memory: { kernel: 1 } } },
      } as unknown as Spec,
      [
        'a class or priority of network packets (linux.resources.network) has no effect in a VM',
        'a file of cgroup version 2 (linux.resources.unified) has no effect in a VM',
        "a limit of kernel memory has no effect: the guest's kernel has none",
      ],
    ],
    ["an engine's own profile", withProfile('docker-default'), []],
    ['no profile', withProfile('unconfined'), []],
    ['a profile', withProfile('mine'), ["the AppArmor profile mine has no effect: the guest's kernel has no AppArmor"]],
  ];
  it('are none for a container of a pod, which shares the namespaces', () => {
    const spec = { linux: { namespaces: all.map(({ type }) => ({ type, path: `/proc/9/ns/${type}` })) } } as Spec;
    assert.deepEqual(ignoredOptions(spec, false), []);
  });
  for (const [name, spec, expected] of cases) it(name, () => assert.deepEqual(ignoredOptions(spec), expected));
});

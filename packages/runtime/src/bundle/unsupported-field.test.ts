import assert from 'node:assert/strict';
import type { Spec } from '@kata-containers/common/oci/spec';
import { unsupportedField, unsupportedOfProcess } from './unsupported-field.ts';

const first = { args: ['true'], cwd: '/' };

/** Mappings of all ids of a container to those from `hostID` on. */
const ids = (hostID: number): object => {
  const mappings = [{ containerID: 0, hostID, size: 65_536 }];
  return { uidMappings: mappings, gidMappings: mappings };
};

describe('fields of newer specifications', () => {
  const refused: [changes: object, field: string][] = [
    [{ process: { ...first, scheduler: { policy: 'SCHED_FIFO' } } }, 'process.scheduler'],
    [{ process: { ...first, ioPriority: { class: 'IOPRIO_CLASS_IDLE' } } }, 'process.ioPriority'],
    [{ process: { ...first, execCPUAffinity: { initial: '0' } } }, 'process.execCPUAffinity'],
    [{ mounts: [{ destination: '/a' }, { destination: '/b', uidMappings: [{}] }] }, 'mounts[1].uidMappings'],
    [{ mounts: [{ destination: '/a', options: ['rbind', 'idmap'] }] }, 'mounts[0].options'],
    [{ linux: { timeOffsets: { boottime: { secs: 1 } } } }, 'linux.timeOffsets'],
    [{ linux: { netDevices: { eth1: {} } } }, 'linux.netDevices'],
    [{ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/a' } } }, 'linux.seccomp.listenerPath'],
    [{ linux: { memoryPolicy: { mode: 'MPOL_BIND' } } }, 'linux.memoryPolicy'],
    [{ linux: { resources: { cpu: { idle: 1 } } } }, 'linux.resources.cpu.idle'],
    [{ linux: { resources: { cpu: { burst: 1000 } } } }, 'linux.resources.cpu.burst'],
    [{ linux: { namespaces: [{ type: 'pid' }, { type: 'user' }], ...ids(100_000) } }, 'linux.namespaces[1]'],
    [{ linux: { namespaces: [{ type: 'user', path: '/proc/1/ns/user' }] } }, 'linux.namespaces[0]'],
    [{ vm: { hwConfig: { vcpus: 2 } } }, 'vm.hwConfig'],
  ];
  for (const [changes, field] of refused)
    it(`${field} is refused, with the field in the error`, () =>
      assert.equal(unsupportedField({ process: first, ...changes } as Spec)?.[0], field));

  const accepted: [name: string, changes: object][] = [
    ['an empty object', { linux: { netDevices: {}, timeOffsets: {} }, vm: {} }],
    ['a user namespace with identity mappings', { linux: { namespaces: [{ type: 'user' }], ...ids(0) } }],
    ['a umask', { process: { ...first, user: { umask: 0o77 } } }],
    ['a weight of zero', { linux: { resources: { cpu: { idle: 0, burst: 0 } } } }],
    ['a time namespace without offsets', { linux: { namespaces: [{ type: 'time' }] } }],
  ];
  for (const [name, changes] of accepted)
    it(`${name} is accepted`, () => assert.equal(unsupportedField({ process: first, ...changes } as Spec), undefined));

  it('process.json', () =>
    assert.equal(unsupportedOfProcess({ ...first, scheduler: { policy: 'x' } } as typeof first, '')?.[0], 'scheduler'));
});

import assert from 'node:assert/strict';
import type { Linux } from '@kata-containers/common/oci/spec';
import { agentProcess, agentSpec, joinsNamespace } from './agent-spec.ts';

describe('joinsNamespace', () => {
  const cases: [name: string, namespaces: { type: string; path?: string }[], joins: boolean][] = [
    ['none', [], false],
    ['a new namespace', [{ type: 'pid' }], false],
    ['an empty path', [{ type: 'pid', path: '' }], false],
    ["the pod's", [{ type: 'pid', path: '/proc/7/ns/pid' }], true],
    ["the pod's network only", [{ type: 'network', path: '/proc/7/ns/net' }, { type: 'pid' }], false],
  ];
  for (const [name, namespaces, joins] of cases)
    it(name, () => assert.equal(joinsNamespace({ ociVersion: '1.0.2', linux: { namespaces } }, 'pid'), joins));
  it('is false without a linux section', () => assert.equal(joinsNamespace({ ociVersion: '1.0.2' }, 'pid'), false));
});

describe('agentSpec', () => {
  const place = { rootPath: '/r', mounts: [], seccomp: false };
  const linuxOf = (linux: Linux) => agentSpec({ ociVersion: '1.0.2', linux }, place).Linux;

  const paths: [given: string, expected: string][] = [
    ['/docker/c', '/docker/c'],
    ['../x/c', '/x/c'],
    ['/../../c', '/c'],
    ['system.slice:docker:c', '/docker/c'],
    ['', ''],
  ];
  for (const [cgroupsPath, expected] of paths)
    it(`cgroup ${cgroupsPath}`, () => assert.equal(linuxOf({ cgroupsPath })?.CgroupsPath, expected));

  const fuse = { path: '/dev/f', type: 'c', major: 10, minor: 229 };
  const rulesOf = (access: string): [boolean, string, bigint, string][] => {
    const own = { allow: true, type: 'c', major: 10, minor: 229, access };
    const { Devices = [] } = linuxOf({ devices: [fuse], resources: { devices: [{ allow: false, access: 'rwm' }, own] } })?.Resources ?? {};
    return Devices.map(({ Allow, Type, Minor, Access }) => [Allow, Type, Minor, Access]);
  };
  const all: [boolean, string, bigint, string] = [true, '', 0n, 'rwm'];
  it('denies writing to a read-only device', () => assert.deepEqual(rulesOf('r'), [all, [false, 'c', 229n, 'w']]));
  it('denies reading from a write-only device', () => assert.deepEqual(rulesOf('wm'), [all, [false, 'c', 229n, 'r']]));
  it('makes a device that the host does not have inaccessible in the guest, where the number may belong to another device', () => {
    const device = { path: '/dev/d', type: 'b', major: 8, minor: 0 };
    const absent = agentSpec({ ociVersion: '1.0.2', linux: {} }, { ...place, devices: [fuse, device], absentDevices: [device] });
    const rules = absent.Linux?.Resources?.Devices.map(({ Allow, Type, Major, Access }) => [Allow, Type, Major, Access]);
    assert.deepEqual(rules, [all, [false, 'b', 8n, 'rw']]);
    assert.equal(absent.Linux?.Devices.length, 2);
  });
  it('adds the sysctls of the network namespace, without those that the specification has', () => {
    const [all, lo] = ['net.ipv6.conf.all.disable_ipv6', 'net.ipv6.conf.lo.disable_ipv6'];
    const namespaceSysctls = { [all]: '1', [lo]: '1' };
    const message = agentSpec({ ociVersion: '1.0.2', linux: { sysctl: { [lo]: '0' } } }, { ...place, namespaceSysctls });
    assert.deepEqual(message.Linux?.Sysctl, { [all]: '1', [lo]: '0' });
  });
  it('adds no rule for a device with all permissions', () => assert.deepEqual(rulesOf('rwm'), []));
});

describe('agentProcess', () => {
  for (const umask of [0, 0o77])
    it(`keeps the umask ${umask.toString(8)}`, () => assert.deepEqual(agentProcess({ cwd: '/', user: { umask } }).User?.Umask, [umask]));
  it('sends no umask for a process without one', () => assert.deepEqual(agentProcess({ cwd: '/' }).User?.Umask, []));
});

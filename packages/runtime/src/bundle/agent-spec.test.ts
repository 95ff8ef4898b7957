import assert from 'node:assert/strict';
import type { Linux } from '@kata-containers/common/oci/spec';
import { agentProcess, agentSpec, joinsNamespace, sharesPids } from './agent-spec.ts';

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

describe('sharesPids', () => {
  const cases: [name: string, namespaces: NonNullable<Linux['namespaces']>, shares: boolean][] = [
    ['with a PID namespace of its own', [{ type: 'network' }, { type: 'pid' }], false],
    ["with the path of the pod's", [{ type: 'pid', path: '/proc/7/ns/pid' }], true],
    ['without a PID namespace (hostPID of CRI-O)', [{ type: 'network' }], true],
  ];
  for (const [name, namespaces, shares] of cases)
    it(`is ${shares} ${name}`, () => assert.equal(sharesPids({ ociVersion: '1.0.2', linux: { namespaces } }), shares));
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

  it('adds the sysctls of the network namespace, without those that the specification has', () => {
    const [all, lo] = ['net.ipv6.conf.all.disable_ipv6', 'net.ipv6.conf.lo.disable_ipv6'];
    const namespaceSysctls = { [all]: '1', [lo]: '1' };
    const message = agentSpec({ ociVersion: '1.0.2', linux: { sysctl: { [lo]: '0' } } }, { ...place, namespaceSysctls });
    assert.deepEqual(message.Linux?.Sysctl, { [all]: '1', [lo]: '0' });
  });
  it("has the specification's device rules", () => {
    const { Devices = [] } =
      linuxOf({ resources: { devices: [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }] } })?.Resources ?? {};
    assert.deepEqual(Devices[1], { Allow: true, Type: 'c', Major: 10n, Minor: 229n, Access: 'rw' });
  });
});

describe('agentProcess', () => {
  for (const umask of [0, 0o77])
    it(`keeps the umask ${umask.toString(8)}`, () => assert.deepEqual(agentProcess({ cwd: '/', user: { umask } }).User?.Umask, [umask]));
  it('sends no umask for a process without one', () => assert.deepEqual(agentProcess({ cwd: '/' }).User?.Umask, []));
});

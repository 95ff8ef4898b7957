import assert from 'node:assert/strict';
import { Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import { specConfig, splitSysctl, toJson } from './oci-bundle.ts';

const namespaces = { ipc: '/ns/ipc', uts: '/ns/uts' };

describe('specConfig', () => {
  const message = SpecMessage.fromPartial({
    Version: '1.0.2',
    Hostname: 'h',
    Root: { Path: '/r', Readonly: true },
    Process: {
      Args: ['sh'],
      Cwd: '',
      User: { UID: 1000, GID: 5, AdditionalGids: [7] },
      Rlimits: [{ Type: 'RLIMIT_CORE', Hard: 2n ** 64n - 1n, Soft: 0n }],
    },
    Mounts: [{ destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid'] }],
    Linux: {
      Sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1' },
      Resources: { Memory: { Limit: 64n << 20n }, CPU: { Quota: 0n, Period: 0n } },
      CgroupsPath: '/docker/x',
    },
  });
  const spec = specConfig(message, namespaces);

  it('keeps process, root and mounts', () => {
    assert.deepEqual(spec.process?.user, { uid: 1000, gid: 5, additionalGids: [7] });
    assert.equal(spec.process?.cwd, '/');
    assert.deepEqual(spec.root, { path: '/r', readonly: true });
    assert.deepEqual(spec.mounts, [{ destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid'] }]);
  });
  it("joins the sandbox' IPC and UTS namespaces and makes the others, but no network", () => {
    assert.deepEqual(spec.linux?.namespaces, [
      { type: 'ipc', path: '/ns/ipc' },
      { type: 'uts', path: '/ns/uts' },
      { type: 'mount' },
      { type: 'pid' },
    ]);
  });
  it('limits that are zero were not given', () => assert.deepEqual(spec.linux?.resources, { memory: { limit: 67108864n } }));
  it("leaves the network's sysctls to the agent", () => {
    assert.deepEqual(spec.linux?.sysctl, { 'kernel.shmmax': '1' });
    assert.deepEqual(splitSysctl({ 'net.a': '1' }).network, [['net.a', '1']]);
  });
  it('writes 64-bit numbers exactly', () => assert.match(toJson(spec), /"hard":18446744073709551615,/));
});

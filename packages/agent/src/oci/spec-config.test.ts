import assert from 'node:assert/strict';
import { LinuxResources, Process as ProcessMessage, Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import { parseCpuList } from '@kata-containers/common/oci/parse-cpu-list';
import { availableCpus } from './available-cpus.ts';
import { execConfig, processConfig } from './process-config.ts';
import { resourcesConfig } from './resources-config.ts';
import { specConfig, toJson } from './spec-config.ts';
import type { GuestPlace } from './spec-config.ts';
import { splitSysctl, sysctlPath } from './split-sysctl.ts';

const place: GuestPlace = {
  ipcNamespace: '/ns/ipc',
  utsNamespace: '/ns/uts',
  pidNamespace: 'own',
  rootDevices: [
    { major: 259, minor: 1 },
    { major: 259, minor: 0 },
  ],
  onlineCpus: '0-1',
  guestHooks: undefined,
};
const ownRoot = [1, 0].map((minor) => ({ allow: false, type: 'b', major: 259, minor, access: 'rw' }));

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
      Devices: [{ Path: '/dev/a', Type: 'c', Major: 1n, Minor: 3n }],
      Seccomp: {
        DefaultAction: 'SCMP_ACT_ALLOW',
        DefaultErrnoRet: [38],
        Architectures: ['SCMP_ARCH_X86_64'],
        Flags: ['SECCOMP_FILTER_FLAG_LOG'],
        Syscalls: [
          { Names: ['mkdir'], Action: 'SCMP_ACT_ERRNO', ErrnoRet: [0], Args: [{ Index: 1n, Value: 2n, ValueTwo: 0n, Op: 'SCMP_CMP_EQ' }] },
        ],
      },
      MaskedPaths: ['/proc/kcore'],
      ReadonlyPaths: ['/proc/sys'],
      RootfsPropagation: 'rslave',
    },
  });
  const spec = specConfig(message, place);

  it('keeps process, root and mounts', () => {
    assert.deepEqual(spec.process?.user, { uid: 1000, gid: 5, additionalGids: [7] });
    assert.equal(spec.process?.cwd, '/');
    assert.deepEqual(spec.root, { path: '/r', readonly: true });
    assert.deepEqual(spec.mounts, [{ destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid'] }]);
  });
  for (const umask of [0, 0o77])
    it(`keeps the umask ${umask.toString(8)}`, () =>
      assert.equal(processConfig(ProcessMessage.fromPartial({ User: { Umask: [umask] } })).user?.umask, umask));
  it('keeps masked paths and the propagation of mounts', () => {
    const { maskedPaths, readonlyPaths, rootfsPropagation } = spec.linux ?? {};
    assert.deepEqual([maskedPaths, readonlyPaths, rootfsPropagation], [['/proc/kcore'], ['/proc/sys'], 'rslave']);
  });
  const pidNamespaces: [pidNamespace: string, expected: object[]][] = [
    ['own', [{ type: 'pid' }]],
    ['/proc/7/ns/pid', [{ type: 'pid', path: '/proc/7/ns/pid' }]],
    ['agent', []],
  ];
  for (const [pidNamespace, expected] of pidNamespaces) {
    it(`joins the sandbox's namespaces, PID namespace ${pidNamespace}`, () => {
      const shared = [{ type: 'ipc', path: '/ns/ipc' }, { type: 'uts', path: '/ns/uts' }, { type: 'mount' }];
      assert.deepEqual(specConfig(message, { ...place, pidNamespace }).linux?.namespaces, [...shared, ...expected]);
    });
  }
  it("omits limits of zero and denies access to the guest's disk", () => {
    const all = { allow: true, access: 'rwm' };
    assert.deepEqual(spec.linux?.resources, { memory: { limit: 67108864n }, devices: [all, ...ownRoot] });
  });
  const rules: [name: string, asked: object, expected: object][] = [
    ['one device', { Major: 8n, Minor: 0n, Access: 'rw' }, { major: 8n, minor: 0n, access: 'rw' }],
    ['every minor number', { Major: 8n, Minor: -1n, Access: 'rw' }, { major: 8n, access: 'rw' }],
    ["every disk with the root disk's major number: mknod only", { Major: 259n, Minor: -1n, Access: 'rw' }, { major: 259n, access: 'm' }],
    ['every disk: mknod only', { Major: -1n, Minor: -1n, Access: 'rwm' }, { access: 'm' }],
  ];
  for (const [name, asked, expected] of rules)
    it(`a rule for ${name}`, () => {
      const linux = { Resources: { Devices: [{ Allow: true, Type: 'b', ...asked }] } };
      const { devices } = specConfig(SpecMessage.fromPartial({ Linux: linux }), place).linux?.resources ?? {};
      assert.deepEqual(devices, [{ allow: true, type: 'b', ...expected }, ...ownRoot]);
    });
  it('denies no disk with an initrd', () => {
    assert.deepEqual(specConfig(message, { ...place, rootDevices: [] }).linux?.resources?.devices, [{ allow: true, access: 'rwm' }]);
  });
  it('gives a device without a mode a mode that permits to open it', () => assert.equal(spec.linux?.devices?.[0]?.fileMode, 0o666));
  it('converts the seccomp profile', () => {
    assert.deepEqual(spec.linux?.seccomp, {
      defaultAction: 'SCMP_ACT_ALLOW',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 0, args: [{ index: 1, value: 2n, valueTwo: 0n, op: 'SCMP_CMP_EQ' }] },
      ],
    });
  });
  it('makes clone3 fail with ENOSYS, so that a C library falls back to clone', () => {
    const rule = { Names: ['clone3'], Action: 'SCMP_ACT_ERRNO', Args: [] };
    const hardened = SpecMessage.fromPartial({ Linux: { Seccomp: { DefaultAction: 'SCMP_ACT_ERRNO', Syscalls: [rule] } } });
    assert.deepEqual(specConfig(hardened, place).linux?.seccomp?.syscalls, [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
  });
  it("lists the request's hooks before the guest's", () => {
    const hooked = SpecMessage.fromPartial({ Hooks: { Prestart: [{ Path: '/a', Args: ['a'], Timeout: 5n }] } });
    const { hooks } = specConfig(hooked, { ...place, guestHooks: { prestart: [{ path: '/b' }] } });
    assert.deepEqual(hooks?.prestart, [{ path: '/a', args: ['a'], env: [], timeout: 5 }, { path: '/b' }]);
  });
  it('converts an empty message', () => assert.equal(specConfig(SpecMessage.fromPartial({}), place).ociVersion, '1.0.2'));
  it("leaves the guest's sysctls to the agent", () => assert.deepEqual(spec.linux?.sysctl, { 'kernel.shmmax': '1' }));
  for (const Version of ['1.0.2-dev', '1.1.0', '1.2.1', '1.3.0'])
    it(`replaces an engine's version ${Version} by a version that crun supports`, () =>
      assert.equal(specConfig(SpecMessage.fromPartial({ Version }), place).ociVersion, '1.0.2'));
  it('writes text unchanged', () => {
    const args = ['a\\u0000b', '\\"\\u00007"', 'a\u0000b', '\u00007'];
    assert.deepEqual(JSON.parse(toJson({ args })), { args });
  });
  it('writes 64-bit numbers exactly', () => assert.match(toJson(spec), /"hard":18446744073709551615,/));
});

describe('execConfig', () => {
  const container = processConfig(
    ProcessMessage.fromPartial({
      Capabilities: { Bounding: ['CAP_KILL'] },
      Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 9n, Soft: 9n }],
      NoNewPrivileges: true,
      OOMScoreAdj: 100n,
    }),
  );
  it("uses the container's values for fields that 1.x's runtime does not send", () => {
    const { capabilities, rlimits, noNewPrivileges, oomScoreAdj } = execConfig(ProcessMessage.fromPartial({ Args: ['a'] }), container);
    assert.deepEqual([capabilities?.bounding, rlimits?.length, noNewPrivileges, oomScoreAdj], [['CAP_KILL'], 1, true, 100]);
  });
  it('uses the values of the request', () => {
    const message = ProcessMessage.fromPartial({ Capabilities: { Bounding: ['CAP_CHOWN'] }, OOMScoreAdj: 5n });
    const { capabilities, oomScoreAdj } = execConfig(message, container);
    assert.deepEqual([capabilities?.bounding, oomScoreAdj], [['CAP_CHOWN'], 5]);
  });
});

describe('resourcesConfig', () => {
  it('converts every section', () => {
    const message = LinuxResources.fromPartial({
      CPU: { Shares: 2n, Quota: -1n, Period: 100n, Cpus: '0', Mems: '0' },
      Memory: { Limit: -1n, Swap: 4n, Swappiness: 5n, DisableOOMKiller: true },
      Pids: { Limit: -1n },
      BlockIO: { Weight: 10, ThrottleReadBpsDevice: [{ Major: 8n, Minor: 0n, Rate: 1n }] },
      HugepageLimits: [{ Pagesize: '2MB', Limit: 6n }],
      Devices: [{ Allow: true, Type: 'c', Major: 1n, Minor: 3n, Access: 'rwm' }],
    });
    assert.deepEqual(resourcesConfig(message, '0-1'), {
      memory: { limit: -1n, swap: 4n, swappiness: 5n, disableOOMKiller: true },
      cpu: { shares: 2n, quota: -1n, period: 100n, cpus: '0', mems: '0' },
      blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8n, minor: 0n, rate: 1n }] },
      devices: [{ allow: true, access: 'rwm', type: 'c', major: 1n, minor: 3n }],
      hugepageLimits: [{ pageSize: '2MB', limit: 6n }],
    });
  });
  it('converts a limit of processes', () =>
    assert.deepEqual(resourcesConfig(LinuxResources.fromPartial({ Pids: { Limit: 100_000n } }), '0').pids, { limit: 100_000n }));
  it('converts an empty message to no limits', () => assert.deepEqual(resourcesConfig(LinuxResources.fromPartial({ CPU: {} }), '0'), {}));
});

describe('CPU lists', () => {
  const available: [wanted: string, online: string, expected: string][] = [
    ['0-1', '0-3', '0-1'],
    ['2,3', '0-3', '2,3'],
    ['6-7', '0-3\n', '0-3'],
  ];
  for (const [wanted, online, expected] of available)
    it(`${wanted} of ${online.trim()}`, () => assert.equal(availableCpus(wanted, online), expected));
  for (const wrong of ['', 'a', '3-1', '0-99999999']) it(`"${wrong}" is rejected`, () => assert.equal(parseCpuList(wrong), undefined));
});

describe('sysctls', () => {
  it("are set in the container if its namespaces have them, otherwise in the guest's kernel", () => {
    const { guest, container } = splitSysctl({ 'net.a': '1', 'kernel.msgmax': '2', 'vm.max_map_count': '3', 'fs.mqueue.msg_max': '4' });
    assert.deepEqual(
      [Object.fromEntries(guest), container],
      [
        { 'net.a': '1', 'vm.max_map_count': '3' },
        { 'kernel.msgmax': '2', 'fs.mqueue.msg_max': '4' },
      ],
    );
  });
  const paths: [name: string, path: string | undefined][] = [
    ['net.ipv4.ip_forward', '/proc/sys/net/ipv4/ip_forward'],
    ['net/ipv4/conf/eth0.1/forwarding', '/proc/sys/net/ipv4/conf/eth0.1/forwarding'],
    ['net.ipv4.conf.eth0/1.forwarding', '/proc/sys/net/ipv4/conf/eth0.1/forwarding'],
    ['net/../../../etc/passwd', undefined],
    ['net..x', undefined],
    ['', undefined],
  ];
  for (const [name, path] of paths) it(`the file of "${name}"`, () => assert.equal(sysctlPath(name), path));
});

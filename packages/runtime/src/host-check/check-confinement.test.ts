import assert from 'node:assert/strict';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import { checkConfinement } from './check-confinement.ts';
import type { ConfiningHost } from './check-confinement.ts';

const status = ['CapEff:\t000001ffffffffff', 'CapAmb:\t0000000000000000', 'Seccomp:\t0', ''].join('\n');
const mounted = (type: string, options: string): string => `30 20 0:25 / /c/${options} rw - ${type} ${type} rw,${options}`;
const mountinfo = [mounted('cgroup', 'cpu'), mounted('cgroup', 'devices'), mounted('cgroup', 'pids')].join('\n');
const whole: ConfiningHost = { exists: () => true, status, mountinfo, controllers: () => 'cpu pids\n', loadDeviceProgram: () => {} };

/** Names and details of the checks that are not ok. */
function findings(host: Partial<ConfiningHost>, ...keys: string[]): (string | undefined)[][] {
  const text = `[hypervisor.qemu]\npath = "/q"\n${keys.join('\n')}`;
  const { configuration } = parseConfiguration({ path: '/c.toml', text });
  const checks = checkConfinement(configuration, { ...whole, ...host });
  return checks.flatMap(({ name, status: result, detail, remedy }) => (result === 'ok' ? [] : [[name, detail, remedy]]));
}

describe('checkConfinement', () => {
  it('passes on a complete host with the default configuration', () => assert.deepEqual(findings({}), []));
  it('lists the parts that need seccomp on a kernel without it, with the key that disables each', () =>
    assert.deepEqual(
      findings({ status: status.replace(/^Seccomp.*\n/m, '') }).map(([name, , remedy]) => [name, remedy]),
      [
        ['QEMU: seccomp', 'set seccompsandbox = "" in [hypervisor.qemu] to run without the filter'],
        ['kata-proxy: confinement', 'set confine = false in [proxy.kata] to run it unconfined'],
        ['kata-shim: confinement', 'set confine = false in [shim.kata] to run it unconfined'],
      ],
    ));
  it('reports a kernel without PID namespaces', () =>
    assert.deepEqual(findings({ exists: (path) => !path.endsWith('/pid') }), [
      [
        'QEMU: own root',
        'this host lacks namespaces (pid): no container starts',
        'set qemu_own_root = false in [hypervisor.qemu] to run without them',
      ],
      [
        'virtiofsd: namespaces',
        'this host lacks namespaces (pid): no container starts',
        'set virtio_fs_sandbox = "chroot" in [hypervisor.qemu] to run without them',
      ],
    ]));
  const version2 = mounted('cgroup2', 'nsdelegate');
  const refusesBpf = (): never => {
    throw new Error('bpf: EINVAL');
  };
  const noPids = 'the pids cgroup (CONFIG_CGROUP_PIDS)';
  const hosts: [what: string, host: Partial<ConfiningHost>, lacks: { devices?: string; pids?: string }][] = [
    [
      'cgroup version 1 without devices',
      { mountinfo: mounted('cgroup', 'pids') },
      { devices: 'the devices cgroup (CONFIG_CGROUP_DEVICE)' },
    ],
    ['cgroup version 1 without pids', { mountinfo: mounted('cgroup', 'devices') }, { pids: noPids }],
    ['no cgroups', { mountinfo: '' }, { devices: 'cgroups', pids: 'cgroups' }],
    ['cgroup version 2', { mountinfo: version2 }, {}],
    ['cgroup version 2 without pids', { mountinfo: version2, controllers: () => 'cpu io\n' }, { pids: noPids }],
    [
      'cgroup version 2 without BPF',
      { mountinfo: version2, loadDeviceProgram: refusesBpf },
      { devices: 'BPF programs for devices (CONFIG_CGROUP_BPF; bpf: EINVAL)' },
    ],
  ];
  for (const [what, host, { devices, pids }] of hosts)
    it(what, () => {
      const finding = (name: string, key: string, lack?: string): string[][] =>
        lack === undefined
          ? []
          : [[name, `this host lacks ${lack}: no container starts`, `set ${key} = false in [hypervisor.qemu] to run without the limit`]];
      assert.deepEqual(findings(host), [
        ...finding('QEMU: devices', 'qemu_device_cgroup', devices),
        ...finding('QEMU: threads', 'qemu_pids_cgroup', pids),
      ]);
    });
  it('reports a root user without capabilities', () =>
    assert.deepEqual(
      findings({ status: status.replace('1ffffffffff', '00000000001') }).map(([name]) => name),
      ['QEMU: capabilities', 'QEMU: not root with virtio-fs', 'kata-proxy: confinement', 'kata-shim: confinement'],
    ));
  it('reports disabled parts', () =>
    assert.deepEqual(findings({}, 'qemu_own_root = false', '[proxy.kata]', 'confine = false'), [
      ['QEMU: own root', 'is disabled in the configuration', undefined],
      ['kata-proxy: confinement', 'is disabled in the configuration', undefined],
    ]));
});

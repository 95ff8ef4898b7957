import assert from 'node:assert/strict';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import { checkConfinement } from './check-confinement.ts';
import type { ConfiningHost } from './check-confinement.ts';

const status = ['CapEff:\t000001ffffffffff', 'CapAmb:\t0000000000000000', 'Seccomp:\t0', ''].join('\n');
const mounted = (type: string, options: string): string => `30 20 0:25 / /c/${options} rw - ${type} ${type} rw,${options}`;
const mountinfo = [mounted('cgroup', 'cpu'), mounted('cgroup', 'devices')].join('\n');
const whole: ConfiningHost = { exists: () => true, status, mountinfo, loadDeviceProgram: () => {} };

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
        ['QEMU: seccomp', 'set seccompsandbox = "" in [hypervisor.qemu] to run without it'],
        ['kata-proxy: confinement', 'set confine = false in [proxy.kata] to run without it'],
        ['kata-shim: confinement', 'set confine = false in [shim.kata] to run without it'],
      ],
    ));
  it('reports a kernel without PID namespaces', () =>
    assert.deepEqual(findings({ exists: (path) => !path.endsWith('/pid') }), [
      [
        'QEMU: own root',
        'this host lacks namespaces (pid): no container starts',
        'set qemu_own_root = false in [hypervisor.qemu] to run without it',
      ],
      [
        'virtiofsd: namespaces',
        'this host lacks namespaces (pid): no container starts',
        'set virtio_fs_sandbox = "chroot" in [hypervisor.qemu] to run without it',
      ],
    ]));
  const hosts: [what: string, host: Partial<ConfiningHost>, lack: string | undefined][] = [
    ['cgroup version 1 without devices', { mountinfo: mounted('cgroup', 'cpu') }, 'the devices cgroup (CONFIG_CGROUP_DEVICE)'],
    ['no cgroups', { mountinfo: '' }, 'cgroups'],
    ['cgroup version 2', { mountinfo: mounted('cgroup2', 'nsdelegate') }, undefined],
    [
      'cgroup version 2 without BPF',
      {
        mountinfo: mounted('cgroup2', 'nsdelegate'),
        loadDeviceProgram: () => {
          throw new Error('bpf: EINVAL');
        },
      },
      'BPF programs for devices (CONFIG_CGROUP_BPF; bpf: EINVAL)',
    ],
  ];
  for (const [what, host, lack] of hosts)
    it(what, () =>
      assert.deepEqual(
        findings(host),
        lack === undefined
          ? []
          : [
              [
                'QEMU: devices',
                `this host lacks ${lack}: no container starts`,
                'set qemu_device_cgroup = false in [hypervisor.qemu] to run without it',
              ],
            ],
      ),
    );
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

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { createLogger } from '@kata-containers/common/logging/logger';
import { INCAPABLE, checkHost } from './check-host.ts';
import { hostFiles } from './host-files.ts';

/** A machine's /proc and /sys. */
interface Machine {
  readonly architecture?: string;
  readonly vendor?: string;
  readonly flags?: string;
  readonly modules?: readonly string[];
  /** Files below /sys/module. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly isRoot?: boolean;
  /** modprobe succeeds for these. */
  readonly loadable?: readonly string[];
}

const x86 = (vendor: string, flags: string): string =>
  `processor\t: 0\nvendor_id\t: ${vendor}\nmodel name\t: Some CPU\nflags\t\t: ${flags}\n\nprocessor\t: 1\nvendor_id\t: ${vendor}\nflags\t\t: lm\n`;
const arm = 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n';

const intel: Machine = {
  vendor: 'GenuineIntel',
  flags: 'fpu vmx lm sse4_1 ept',
  modules: ['kvm', 'kvm_intel', 'vhost', 'vhost_net', 'vhost_vsock'],
  parameters: { 'kvm_intel/parameters/unrestricted_guest': 'Y\n' },
};
const amd: Machine = {
  vendor: 'AuthenticAMD',
  flags: 'fpu svm lm sse4_1 npt',
  modules: ['kvm', 'kvm_amd', 'vhost', 'vhost_net', 'vhost_vsock'],
};
const armMachine: Machine = { architecture: 'arm64', modules: ['kvm', 'vhost', 'vhost_net', 'vhost_vsock'] };
const without = (machine: Machine, ...names: string[]): Machine => ({
  ...machine,
  modules: (machine.modules ?? []).filter((name) => !names.includes(name)),
});
const cannotRun = { parameters: { 'kvm_intel/parameters/unrestricted_guest': 'N\n' } };

const found = 'CPU property found';
const missing = 'level=error msg="CPU property not found"';
const noModule = 'level=error msg="kernel property not found"';
const refused = 'level=error msg="Module is not loaded and it can not be inserted. Please consider running with sudo or as root"';

describe('checkHost', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'host-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  /** The records, without their times, and the error's text. */
  function check({ architecture = 'x64', vendor, flags = '', modules = [], parameters = {}, isRoot = false, loadable = [] }: Machine): {
    records: string[];
    failure: string | undefined;
  } {
    write('proc/cpuinfo', vendor === undefined ? arm : x86(vendor, flags));
    for (const name of modules) mkdirSync(join(root, 'sys/module', name), { recursive: true });
    for (const [path, text] of Object.entries(parameters)) write(`sys/module/${path}`, text);
    const records: string[] = [];
    const fields = { name: 'kata-runtime', source: 'runtime', arch: 'amd64', pid: 1 };
    const keep = (line: string): void => void records.push(line.trimEnd().replace(/^time="[^"]*" /, ''));
    const log = createLogger({ format: 'text', level: 'info', precision: 'seconds', write: keep, fields });
    const loadModule = (name: string): string | undefined =>
      loadable.includes(name) ? undefined : `modprobe: FATAL: Module ${name} not found`;
    try {
      checkHost({ files: hostFiles(root), architecture, isRoot, loadModule }, log);
      return { records, failure: undefined };
    } catch (error) {
      return { records, failure: errorMessage(error) };
    }
  }

  it('prints the exact line that users of 1.x look for', () => {
    const expected = `level=info msg="${found}" arch=amd64 description="Virtualization support" name=vmx pid=1 source=runtime type=flag`;
    assert.ok(check(intel).records.includes(expected));
  });

  it('reports all checks in order', () => {
    const summary = (line: string): string => /msg="([^"]*)".* name=(\S+)/.exec(line)?.slice(1, 3).join(': ') ?? line;
    assert.deepEqual(check(amd).records.map(summary), [
      ...['AuthenticAMD', 'svm', 'lm', 'sse4_1'].map((name) => `${found}: ${name}`),
      ...['kvm', 'kvm_amd', 'vhost', 'vhost_net', 'vhost_vsock'].map((name) => `kernel property found: ${name}`),
    ]);
  });

  const capable: [name: string, machine: Machine, record: string][] = [
    [
      'Intel',
      intel,
      'level=info msg="Kernel property value correct" arch=amd64 description="Intel KVM" name=kvm_intel parameter=unrestricted_guest',
    ],
    ['AMD', amd, `level=info msg="${found}" arch=amd64 description="Virtualization support" name=svm`],
    ['arm64', armMachine, 'level=info msg="kernel property found" arch=amd64 description="Kernel-based Virtual Machine" name=kvm'],
    ['Intel in a VM with nested virtualisation', { ...intel, flags: `${intel.flags} hypervisor` }, found],
    [
      'Intel in a VM, with any unrestricted_guest',
      { ...intel, ...cannotRun, flags: `${intel.flags} hypervisor` },
      'level=warning msg="Kernel property value correct" arch=amd64 description="Intel KVM" expected=Y name=kvm_intel parameter=unrestricted_guest',
    ],
    [
      'without vhost_vsock, which is reported',
      without(amd, 'vhost_vsock'),
      `${noModule} arch=amd64 description="Host Support for Linux VM Sockets"`,
    ],
    [
      'root, with modules that modprobe finds',
      { ...without(amd, 'vhost', 'vhost_net'), isRoot: true, loadable: ['vhost', 'vhost_net'] },
      found,
    ],
  ];
  for (const [name, machine, record] of capable) {
    it(`capable: ${name}`, () => {
      const { records, failure } = check(machine);
      assert.equal(failure, undefined);
      assert.ok(
        records.some((line) => line.includes(record)),
        records.join('\n'),
      );
    });
  }

  const incapable: [name: string, machine: Machine, records: string[]][] = [
    [
      'Intel without vmx',
      { ...intel, flags: 'lm sse4_1 vmx_eptad xvmx' },
      [`${missing} arch=amd64 description="Virtualization support" name=vmx`],
    ],
    ['AMD without svm', { ...amd, flags: 'lm sse4_1 svm_lock' }, [`${missing} arch=amd64 description="Virtualization support" name=svm`]],
    ['32 bits', { ...intel, flags: 'vmx sse4_1' }, [`${missing} arch=amd64 description="64Bit CPU" name=lm`]],
    ['an old CPU', { ...intel, flags: 'vmx lm' }, [`${missing} arch=amd64 description=SSE4.1 name=sse4_1`]],
    [
      'Intel without unrestricted_guest',
      { ...intel, ...cannotRun },
      [
        'level=error msg="kernel module parameter has unexpected value" arch=amd64 description="Intel KVM" expected=Y name=kvm_intel parameter=unrestricted_guest pid=1 source=runtime type=module value=N',
      ],
    ],
    [
      'no KVM, not root',
      { ...without(intel, 'kvm_intel'), parameters: {} },
      [`${refused} arch=amd64 module=kvm_intel`, `${noModule} arch=amd64 description="Intel KVM" name=kvm_intel`],
    ],
    [
      'no KVM, root',
      { ...without(amd, 'kvm_amd'), isRoot: true },
      ['level=warning msg="modprobe insert module failed" arch=amd64 module=kvm_amd', `${noModule} arch=amd64 description="AMD KVM"`],
    ],
    [
      'a VM that only lacks nested virtualisation',
      { ...amd, flags: 'lm sse4_1 hypervisor' },
      [`${missing} arch=amd64 description="Virtualization support"`],
    ],
    ['arm64 without vsock', without(armMachine, 'vhost_vsock'), [noModule]],
    ['arm64 without KVM', without(armMachine, 'kvm'), [noModule]],
  ];
  for (const [name, machine, expected] of incapable) {
    it(`not capable: ${name}`, () => {
      const { records, failure } = check(machine);
      assert.equal(failure, INCAPABLE);
      for (const record of expected)
        assert.ok(
          records.some((line) => line.includes(record)),
          `${record}\nis not in\n${records.join('\n')}`,
        );
    });
  }

  it('reports every failure, not only the first', () => {
    const { records } = check({ ...without(intel, 'kvm', 'vhost'), flags: 'fpu' });
    assert.equal(records.filter((line) => line.startsWith(missing)).length, 3);
    assert.equal(records.filter((line) => line.startsWith(noModule)).length, 2);
  });

  it('reports a CPU of another vendor', () => assert.equal(check({ ...amd, vendor: 'CentaurHauls' }).failure, 'Unknow CPU Type'));
  it('reports missing CPU flags', () => assert.equal(check({ ...intel, flags: '' }).failure, 'Cannot find CPU flags'));
  it('reports a missing /proc/cpuinfo', () => {
    const log = createLogger({ format: 'text', level: 'error', precision: 'seconds', write: () => {} });
    const host = { files: hostFiles(root), architecture: 'x64', isRoot: false, loadModule: () => undefined };
    assert.throws(() => checkHost(host, log), /^KataError: \/proc\/cpuinfo cannot be read \(ENOENT\)$/);
  });
});

import assert from 'node:assert/strict';
import { ConfigurationError } from '@kata-containers/common/errors/kata-error';
import { checkComponents, checkHostParts, configurationChecks } from './check-installation.ts';
import type { Check, Installation } from './check-installation.ts';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import type { Room } from '../mounts/free-room.ts';
import { verdictOf } from './verdict.ts';

const room: Room = { mountPoint: '/run', freeBytes: 1 << 30, freeFiles: 1000 };
const whole: Installation = { versionOf: (program) => ({ version: `${program} 1` }), exists: () => true, room: () => room };
const { configuration } = parseConfiguration({ path: '/c.toml', text: '[hypervisor.qemu]\npath = "/q"\n' });
const failed = (checks: readonly Check[]): (string | undefined)[][] =>
  checks.flatMap(({ name, status, detail, remedy }) => (status === 'failed' ? [[name, detail, remedy]] : []));
const IPROUTE = 'apt-get install iproute2, or dnf install iproute-tc';

describe('checkInstallation', () => {
  it('reports no failures of a complete installation', () => {
    assert.deepEqual(failed([...checkHostParts(whole), ...checkComponents(configuration, whole)]), []);
  });
  const parts: [name: string, change: Partial<Installation>, expected: string[]][] = [
    ['tc', { versionOf: (program) => (program === 'tc' ? { problem: '' } : { version: '1' }) }, ['tc', 'tc cannot be run', IPROUTE]],
    ['ip', { versionOf: (program) => (program === 'ip' ? { problem: '' } : { version: '1' }) }, ['ip', 'ip cannot be run', IPROUTE]],
    ['tun', { exists: () => false }, ['tun', '/dev/net/tun is missing, so no VM can have a network', 'modprobe tun']],
    [
      'space',
      { room: () => ({ ...room, freeBytes: 1 << 20 }) },
      ['/run', '1 MiB are free in /run, 16 MiB are needed', 'du -xh /run | sort -h | tail'],
    ],
    [
      'inodes',
      { room: () => ({ ...room, freeFiles: 3 }) },
      ['/run', '3 inodes are free in /run, 64 are needed', 'du -xh /run | sort -h | tail'],
    ],
    [
      'space in a mount',
      { room: (path) => (path === '/run/vc/vm' ? { ...room, mountPoint: '/run/vc', freeBytes: 0 } : room) },
      ['/run/vc', '0 MiB are free in /run/vc, 16 MiB are needed', 'du -xh /run/vc | sort -h | tail'],
    ],
  ];
  for (const [name, change, expected] of parts)
    it(`${name} that is missing is reported with the repair`, () =>
      assert.deepEqual(failed(checkHostParts({ ...whole, ...change })), [expected]));
  it('reports programs of the configuration that cannot run', () => {
    const names = failed(checkComponents(configuration, { ...whole, versionOf: () => ({ problem: '' }) })).map(([name]) => name);
    assert.deepEqual(names, ['QEMU', 'kata-proxy', 'kata-shim']);
  });
  const proxyCheck = (problem: string): string[] => {
    const checks = checkComponents(configuration, { ...whole, versionOf: () => ({ problem }) });
    return checks.flatMap(({ name, detail, remedy = '' }) => (name === 'kata-proxy' ? [detail, remedy] : []));
  };
  const loading = (library: string): string => `/node: error while loading shared libraries: ${library}: cannot open shared object file`;
  const { path } = configuration.proxy;
  const reasons: [title: string, problem: string, remedy: string][] = [
    ['a missing libatomic', loading('libatomic.so.1'), 'apt-get install libatomic1, or dnf install libatomic'],
    ['another missing library', loading('libz.so.1'), 'install the package that contains libz.so.1'],
    ['another error', 'bad file', 'install the packages again'],
  ];
  for (const [title, problem, remedy] of reasons)
    it(`shows the reason of a program that cannot run, and the repair: ${title}`, () =>
      assert.deepEqual(proxyCheck(problem), [`${path} cannot be run: ${problem}`, remedy]));
  it('reports each problem of the configuration as a check', () => {
    const error = new ConfigurationError('/c.toml', [
      { key: 'a.b', problem: 'must be true or false', place: '/c.toml:1:5', text: '1' },
      { key: '', problem: 'is not TOML: invalid value', place: '/c.toml:2:5', text: 'a = = 3' },
    ]);
    assert.deepEqual(
      configurationChecks(error).map(({ detail }) => detail),
      ['/c.toml:1:5: a.b = 1: must be true or false', '/c.toml:2:5: is not TOML: invalid value in "a = = 3"'],
    );
  });
});

describe('verdictOf', () => {
  const ok: Check = { name: 'tc', status: 'ok', detail: '' };
  const broken: Check = { name: 'tun', status: 'failed', detail: 'is missing', remedy: 'modprobe tun' };
  it('is fast with KVM', () => assert.equal(verdictOf([ok], { accelerator: 'kvm' }).verdict, 'fast'));
  it('is emulation with a reason', () => {
    const { verdict, text } = verdictOf([ok], { accelerator: 'tcg', reason: 'the CPU has neither vmx nor svm' });
    assert.equal(verdict, 'emulation');
    assert.match(text, /^Kata Containers runs here by emulation, .*:\n {2}KVM: the CPU has neither vmx nor svm\n {4}to fix it: enable /);
  });
  it('is emulation if the configuration requests it', () =>
    assert.match(verdictOf([ok], { accelerator: 'tcg' }).text, /accelerator = "tcg" in the configuration/));
  it('is cannot-run after a failed check', () =>
    assert.deepEqual(verdictOf([ok, broken], { accelerator: 'kvm' }), {
      verdict: 'cannot-run',
      text: 'Kata Containers cannot run here:\n  tun: is missing\n    to fix it: modprobe tun',
    }));
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { changelog, control, dependencies, maintainerScript } from './control.ts';
import { copyright } from './copyright.ts';
import { lintianOverrides } from './lintian-overrides.ts';

const facts = {
  name: 'kata-runtime',
  version: '1.13.0+ts.1-1',
  summary: 'A runtime',
  description: 'Runs.\n\nMore.',
  licence: 'Apache-2.0',
  requires: ['/bin/sh', 'rpmlib(PayloadIsZstd) <= 5.4.18-1', 'kata-shim = 1.13.0+ts.1-1', '/usr/sbin/ip', '/usr/sbin/tc'],
  recommends: ['qemu-lite'],
  suggests: [],
  kibibytes: 7,
};

describe('Debian packages', () => {
  const cases: [name: string, requires: string[], expected: string[]][] = [
    ['of this project', ['kata-engine >= 26', 'kata-proxy-bin', 'qemu-lite-bin = 7.2.22-1'], ['kata-engine (>= 26)', 'kata-proxy-bin', 'qemu-lite-bin (= 7.2.22-1)']],
    ['programs, once each', ['/usr/sbin/ip', '/usr/sbin/tc', '/usr/sbin/modprobe'], ['iproute2', 'kmod']],
    ['one of several QEMUs', ['(qemu-lite or qemu-kvm)'], ['qemu-lite | qemu-system-x86']],
    ['the newest symbol of the C library', ['libc.so.6(GLIBC_2.4)(64bit)', 'libc.so.6(GLIBC_2.28)(64bit)', 'libstdc++.so.6()(64bit)'], ['libc6 (>= 2.28)', 'libstdc++6']],
    ['no package that every Debian has', ['/bin/sh', 'rtld(GNU_HASH)', 'rpmlib(X) <= 4'], []],
  ]; // prettier-ignore
  for (const [name, requires, expected] of cases) it(`depend on ${name}`, () => assert.deepEqual(dependencies(requires), expected));

  it('have a control file', () =>
    assert.equal(
      control(facts),
      `Package: kata-runtime
Source: kata-containers
Version: 1.13.0+ts.1-1
Architecture: amd64
Maintainer: Kata Containers maintainers <maintainers@example.com>
Installed-Size: 7
Depends: iproute2, kata-shim (= 1.13.0+ts.1-1)
Recommends: qemu-lite
Section: admin
Priority: optional
Homepage: https://katacontainers.io
Description: runtime
 Runs.
 .
 More.
`,
    ));

  it('have a changelog with the time of the source', () =>
    assert.match(changelog(facts, 0), /^kata-runtime \(1\.13\.0\+ts\.1-1\) unstable; .*Thu, 01 Jan 1970 00:00:00 \+0000\n$/s));

  for (const [script, args, count] of [
    ['postinst', ['configure', ''], '1'],
    ['postinst', ['configure', '1.0'], '2'],
    ['postinst', ['abort-upgrade', '1.0'], ''],
    ['prerm', ['remove'], '0'],
    ['prerm', ['upgrade', '2.0'], '1'],
    ['postrm', ['purge'], ''],
    ['postrm', ['upgrade', '2.0'], '1'],
  ] as const)
    it(`run rpm's scriptlet with ${count || 'nothing'} for ${script} ${args.join(' ')}`, () => {
      const text = maintainerScript(script, 'echo "$1"');
      assert.equal(execFileSync('sh', ['-c', text, script, ...args], { encoding: 'utf8' }).trim(), count);
    });

  it('refer to the licences that Debian has, and contain the others', () => {
    const text = copyright(facts, [`Apache License\n  Version 2.0${'x'.repeat(6000)}`, 'A short licence']);
    assert.match(text, /^ {2}\/usr\/share\/common-licenses\/Apache-2\.0$/m);
    assert.match(text, /^A short licence$/m);
    assert.ok(text.length < 1000);
  });

  it('have overrides with reasons', () =>
    assert.match(
      lintianOverrides('kata-proxy'),
      /^# .+\nkata-proxy: initial-upload-closes-no-bugs\n# .+\nkata-proxy: empty-binary-package\n$/,
    ));
});

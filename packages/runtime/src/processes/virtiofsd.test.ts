import assert from 'node:assert/strict';
import { findVirtiofsd } from './find-virtiofsd.ts';
import { takesSandbox, virtiofsdCommandLine, virtiofsdKind } from './virtiofsd-command-line.ts';

describe('virtiofsd', () => {
  const usual = { kind: 'qemu' as const, source: '/share', cache: 'auto', sandbox: 'namespace', debug: false, extra: [] };
  const common = '--fd=3 -o source=/share -o cache';
  const lines: [name: string, change: Partial<Parameters<typeof virtiofsdCommandLine>[0]>, line: string][] = [
    ['default', {}, `${common}=auto -o no_posix_lock -o sandbox=namespace -f`],
    ['before the option', { sandbox: undefined }, `${common}=auto -o no_posix_lock -f`],
    ['debug', { debug: true }, `${common}=auto -o no_posix_lock -o sandbox=namespace -d`],
    ['no mode means none', { cache: '' }, `${common}=none -o no_posix_lock -o sandbox=namespace -f`],
    ['extra arguments are last', { extra: ['-o', 'xattr'] }, `${common}=auto -o no_posix_lock -o sandbox=namespace -f -o xattr`],
    ['in Rust', { kind: 'rust', extra: ['--xattr'] }, '--fd=3 --shared-dir=/share --cache=auto --sandbox=namespace --xattr'],
    [
      'in Rust, debug, no mode, chroot',
      { kind: 'rust', cache: '', sandbox: 'chroot', debug: true },
      '--fd=3 --shared-dir=/share --cache=never --sandbox=chroot --log-level=debug',
    ],
  ];
  for (const [name, change, line] of lines)
    it(`command line: ${name}`, () => assert.equal(virtiofsdCommandLine({ ...usual, ...change }).join(' '), line));

  for (const [version, takes] of [
    ['virtiofsd version 4.2.1', false],
    ['virtiofsd version 5.1.0', false],
    ['virtiofsd version 5.2.0', true],
    ['virtiofsd version 7.2.22 (Debian)', true],
    ['virtiofsd 1.13.2', true],
  ] as const)
    it(`${version} ${takes ? 'supports' : 'does not support'} the sandbox option`, () => assert.equal(takesSandbox(version), takes));

  const versions: [line: string, kind: string][] = [
    ['virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)', 'qemu'],
    ['virtiofsd 1.13.2', 'rust'],
    ['virtiofsd backend 1.4.0', 'rust'],
  ];
  for (const [line, kind] of versions) it(`is recognised by "${line}"`, () => assert.equal(virtiofsdKind(line), kind));

  const rust = '/usr/libexec/virtiofsd';
  const places: [name: string, configured: string, there: string[], found: string | RegExp][] = [
    ['the first of the usual places', '', ['/usr/bin/virtiofsd', rust], rust],
    ['Debian 12', '', ['/usr/lib/qemu/virtiofsd'], '/usr/lib/qemu/virtiofsd'],
    ['the configured daemon', '/v', ['/v', rust], '/v'],
    ['no daemon', '', [], /^shared_fs is virtio-fs, but virtiofsd does not exist at \/usr\/libexec\/virtiofsd, .*: install it/],
    ['the configured daemon, which is missing', '/v', [rust], /virtiofsd does not exist at \/v, the path in virtio_fs_daemon/],
  ];
  for (const [name, configured, there, found] of places) {
    it(`is found: ${name}`, () => {
      const find = (): string => findVirtiofsd(configured, (path) => there.includes(path));
      if (typeof found === 'string') assert.equal(find(), found);
      else
        assert.throws(
          () => find(),
          (error: Error) => found.test(error.message),
        );
    });
  }
});

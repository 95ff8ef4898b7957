import assert from 'node:assert/strict';
import { findVirtiofsd } from './find-virtiofsd.ts';
import { virtiofsdCommandLine, virtiofsdKind } from './virtiofsd-command-line.ts';

describe('virtiofsd', () => {
  const usual = { kind: 'qemu' as const, source: '/share', cache: 'auto', debug: false, extra: [] };
  const common = '--fd=3 -o source=/share -o cache';
  const lines: [name: string, change: Partial<Parameters<typeof virtiofsdCommandLine>[0]>, line: string][] = [
    ['default', {}, `${common}=auto -o no_posix_lock -f`],
    ['debug', { debug: true }, `${common}=auto -o no_posix_lock -d`],
    ['no mode means none', { cache: '' }, `${common}=none -o no_posix_lock -f`],
    ['more words come last', { extra: ['-o', 'xattr'] }, `${common}=auto -o no_posix_lock -f -o xattr`],
    ['in Rust', { kind: 'rust', extra: ['--xattr'] }, '--fd=3 --shared-dir=/share --cache=auto --xattr'],
    ['in Rust, debug, no mode', { kind: 'rust', cache: '', debug: true }, '--fd=3 --shared-dir=/share --cache=never --log-level=debug'],
  ];
  for (const [name, change, line] of lines)
    it(`command line: ${name}`, () => assert.equal(virtiofsdCommandLine({ ...usual, ...change }).join(' '), line));

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
    ['what is configured', '/v', ['/v', rust], '/v'],
    ['none', '', [], /^shared_fs is virtio-fs, and there is no virtiofsd at \/usr\/libexec\/virtiofsd, .*: install it/],
    ['what is configured is missing', '/v', [rust], /no virtiofsd at \/v, where virtio_fs_daemon says/],
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

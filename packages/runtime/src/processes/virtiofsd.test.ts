import assert from 'node:assert/strict';
import { findVirtiofsd } from './find-virtiofsd.ts';
import { virtiofsdCommandLine } from './virtiofsd-command-line.ts';

describe('virtiofsd', () => {
  const usual = { source: '/share', cache: 'auto', debug: false, extra: [] };
  const common = '--fd=3 -o source=/share -o cache';
  const lines: [name: string, change: Partial<Parameters<typeof virtiofsdCommandLine>[0]>, line: string][] = [
    ['default', {}, `${common}=auto -o no_posix_lock -f`],
    ['debug', { debug: true }, `${common}=auto -o no_posix_lock -d`],
    ['no mode is none', { cache: '' }, `${common}=none -o no_posix_lock -f`],
    ['more words come last', { extra: ['-o', 'xattr'] }, `${common}=auto -o no_posix_lock -f -o xattr`],
  ];
  for (const [name, change, line] of lines)
    it(`command line: ${name}`, () => assert.equal(virtiofsdCommandLine({ ...usual, ...change }).join(' '), line));

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

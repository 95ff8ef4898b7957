import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOTFS_OFFSET } from './nvdimm-header.ts';
import { packImage, packInitrd } from './pack-image.ts';

const DATE = 1526947200;

/** Writes a small root file system, with new inode change times. */
function writeRootfs(directory: string): string {
  const root = join(directory, 'root');
  mkdirSync(join(root, 'sbin'), { recursive: true });
  mkdirSync(join(root, 'etc/deep'), { recursive: true });
  writeFileSync(join(root, 'sbin/init'), '#!/bin/sh\n');
  chmodSync(join(root, 'sbin/init'), 0o755);
  writeFileSync(join(root, 'etc/deep/a file'), 'x'.repeat(10_000));
  symlinkSync('sbin/init', join(root, 'init'));
  execFileSync('find', [root, '-exec', 'touch', '-h', '-d', `@${DATE}`, '{}', '+']);
  return root;
}

describe('packing', function () {
  this.timeout(30_000);
  let directories: string[] = [];
  const make = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'pack-'));
    directories.push(directory);
    return directory;
  };
  afterEach(() => {
    for (const directory of directories) rmSync(directory, { recursive: true });
    directories = [];
  });

  for (const [name, pack] of [
    ['image', (root: string, output: string) => packImage(root, output, DATE, process.env)],
    ['initrd', (root: string, output: string) => packInitrd(root, output, DATE)],
  ] as const) {
    it(`${name}: a later build of the same files has the same bytes`, async () => {
      const build = (): Buffer => {
        const directory = make();
        pack(writeRootfs(directory), join(directory, 'out'));
        return readFileSync(join(directory, 'out'));
      };
      const first = build();
      await new Promise((resolve) => setTimeout(resolve, 1100)); // file times count in seconds
      assert.ok(first.equals(build()));
    });
  }

  it('packs the files, owned by root, into a file system that e2fsck accepts', () => {
    const directory = make();
    const image = join(directory, 'out');
    packImage(writeRootfs(directory), image, DATE, process.env);
    const target = `${image}?offset=${ROOTFS_OFFSET}`;
    const stat = execFileSync('debugfs', ['-R', 'stat /sbin/init', target], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.match(stat, /Mode: +0755/);
    assert.match(stat, /User: +0 +Group: +0/);
    const content = execFileSync('debugfs', ['-R', 'cat "/etc/deep/a file"', target], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.equal(content.length, 10_000);
    execFileSync('e2fsck', ['-fn', target], { stdio: 'ignore' });
  });
});

/** The share of a sandbox, with real mounts: the guest's view of volumes, its permissions, and the state after their removal. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import type { Undo } from '../../packages/runtime/src/undo/undo-journal.ts';
import { undoAll } from '../../packages/runtime/src/undo/undo.ts';
import { mountPointsBelow, readMountTable } from '../../packages/runtime/src/mounts/mount-table.ts';
import { unmountTree } from '../../packages/runtime/src/mounts/unmount-tree.ts';
import { makeShare, sharePaths } from '../../packages/runtime/src/storage/share.ts';
import type { SharedPath } from '../../packages/runtime/src/storage/share-plan.ts';
import { good, run } from '../support/run.ts';
import { Scratch } from '../support/process.ts';

describe('the share', function () {
  this.timeout(20_000);
  let scratch: Scratch;
  let entries: Undo[];
  let containers = 0;
  const file = (name: string): string => scratch.file(name);
  const record = (entry: Undo): void => void entries.push(entry);
  const mount = (...args: string[]): Promise<string> => good(run('mount', args));
  const volume = (source: string, changes: Partial<SharedPath> = {}): SharedPath => ({
    ...{ source: file(source), name: `${source.replaceAll('/', '-')}/data`, kind: 'directory', recursive: true, readonly: 'none' },
    laterMounts: false,
    ...changes,
  });
  const share = (...volumes: SharedPath[]): void => {
    const paths = { share: file('share'), mounts: file('share/mounts'), shared: file('share/shared') };
    if (!existsSync(paths.share)) makeShare(paths as never, record, linuxKernel);
    sharePaths(paths, { id: `id-${containers++}`, rootfs: file('root'), volumes, servedElsewhere: false }, record, linuxKernel);
  };
  const seen = (path: string): string => readFileSync(file(`share/shared/${path}`), 'utf8');
  const left = (): string[] => mountPointsBelow(file('share'), readMountTable());

  beforeEach(async () => {
    scratch = new Scratch();
    entries = [];
    containers = 0;
    for (const name of ['root', 'v/inner', 'other']) mkdirSync(file(name), { recursive: true });
    for (const name of ['root/file', 'v/file', 'other/file']) writeFileSync(file(name), `data of ${name}`);
    await mount('--bind', file('v'), file('v'));
    await mount('--make-shared', file('v')); // the default with systemd
    await mount('-t', 'tmpfs', 'none', file('v/inner'));
    writeFileSync(file('v/inner/file'), 'inner data');
  });
  afterEach(async () => {
    await undoAll(entries, linuxKernel);
    await good(run('umount', ['-R', file('v')]));
    scratch.remove();
  });

  /** Undoes all recorded changes, and checks that the user's files are unchanged. */
  async function takeAway(): Promise<void> {
    assert.deepEqual(await undoAll(entries, linuxKernel), []);
    assert.deepEqual([left(), existsSync(file('share'))], [[], false]);
    for (const name of ['root/file', 'v/file', 'other/file']) assert.equal(readFileSync(file(name), 'utf8'), `data of ${name}`);
    assert.equal(readFileSync(file('v/inner/file'), 'utf8'), 'inner data');
  }

  it('contains directories with their mounts, files, and the root', async () => {
    share(volume('v'), volume('other/file', { kind: 'file' }));
    assert.deepEqual([seen('v/data/file'), seen('v/data/inner/file')], ['data of v/file', 'inner data']);
    assert.deepEqual([seen('other-file/data'), seen('id-0/rootfs/file')], ['data of other/file', 'data of root/file']);
    await takeAway();
  });

  it('contains a directory without its mounts if the bind is not recursive', async () => {
    share(volume('v', { recursive: false }));
    assert.deepEqual(readdirSync(file('share/shared/v/data/inner')), []);
    await takeAway();
  });

  it('is writable for the guest, except read-only volumes', async () => {
    share(volume('v'), volume('other', { readonly: 'top' }));
    writeFileSync(file('share/shared/v/data/inner/new'), 'of the guest');
    assert.equal(readFileSync(file('v/inner/new'), 'utf8'), 'of the guest');
    for (const directory of ['shared', 'mounts'])
      assert.throws(() => writeFileSync(file(`share/${directory}/other/data/new`), ''), { code: 'EROFS' });
    assert.throws(() => mkdirSync(file('share/shared/new')), { code: 'EROFS' });
    await takeAway();
  });

  for (const [part, isWritable] of [
    ['top', true],
    ['all', false],
  ] as const)
    it(`a mount below a volume whose ${part} is read-only is ${isWritable ? 'writable' : 'read-only'}`, async () => {
      share(volume('v', { readonly: part }));
      assert.throws(() => writeFileSync(file('share/shared/v/data/new'), ''), { code: 'EROFS' });
      const write = (): void => writeFileSync(file('share/shared/v/data/inner/new'), 'of the guest');
      if (isWritable) write();
      else assert.throws(write, { code: 'EROFS' });
      writeFileSync(file('v/inner/file'), 'inner data'); // the host's mount is unchanged
      await takeAway();
    });

  it('does not contain later mounts of the host in a volume, and they do not block its removal', async () => {
    share(volume('v'));
    mkdirSync(file('v/late'));
    await mount('-t', 'tmpfs', 'none', file('v/late'));
    writeFileSync(file('v/late/file'), 'late');
    assert.deepEqual(readdirSync(file('share/shared/v/data/late')), []);
    await takeAway();
    assert.equal(readFileSync(file('v/late/file'), 'utf8'), 'late');
  });

  it('contains later mounts of the host, without those that it has unmounted, if the container requests them', async () => {
    share(volume('v', { laterMounts: true }));
    mkdirSync(file('v/late'));
    await mount('-t', 'tmpfs', 'none', file('v/late'));
    writeFileSync(file('v/late/file'), 'late');
    assert.equal(seen('v/data/late/file'), 'late');
    mkdirSync(file('share/shared/v/data/late/inside'));
    await mount('-t', 'tmpfs', 'none', file('share/shared/v/data/late/inside'));
    assert.equal(existsSync(file('v/late/inside')), true);
    assert.deepEqual(mountPointsBelow(file('v/late/inside'), readMountTable()), [], 'no mount of the share reaches the host');
    await good(run('umount', [file('share/shared/v/data/late/inside')]));
    await good(run('umount', [file('v/late')]));
    assert.deepEqual(readdirSync(file('share/shared/v/data/late')), []);
    await mount('-t', 'tmpfs', 'none', file('v/late'));
    writeFileSync(file('v/late/file'), 'late');
    await takeAway();
    assert.equal(readFileSync(file('v/late/file'), 'utf8'), 'late');
  });

  it('keeps everything else when one container is removed', async () => {
    share(volume('v', { name: 'first/data' }));
    const ofFirst = entries.length;
    share(volume('other'));
    assert.deepEqual(await undoAll(entries.slice(ofFirst), linuxKernel), []);
    assert.deepEqual(readdirSync(file('share/shared')).sort(), ['first', 'id-0']);
    assert.equal(seen('first/data/inner/file'), 'inner data');
    await takeAway();
  });

  it('is unmounted without following a link in the path of a mount', async () => {
    mkdirSync(file('home'));
    symlinkSync(file('v'), file('link'));
    process.chdir(file('home'));
    try {
      // As if a container replaced a directory of its volume after the mount table was read.
      assert.throws(() => unmountTree(file('link'), linuxKernel, () => readMountTable().replaceAll(`${file('v')}/`, `${file('link')}/`)), {
        message: `umount ${file('link/inner')} failed (ELOOP)`,
      });
      assert.equal(readlinkSync('/proc/self/cwd'), file('home'));
    } finally {
      process.chdir('/');
    }
    assert.equal(readFileSync(file('v/inner/file'), 'utf8'), 'inner data');
  });
});

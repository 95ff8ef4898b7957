/** Mounts that the host makes, and unmounts, in a volume while a container uses it, beside runc. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime, variant } from '../support/staged.ts';
import { until } from '../support/until.ts';

describe('later mounts of the host', function () {
  this.timeout(120_000);
  let engine: Engine;
  let directory = '';
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-later-mounts-'));
    const virtioFs = variant(directory, 'virtio-fs', (toml) => toml.replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"'));
    return (engine = await Engine.start({ 'kata-runtime': kataRuntime, 'virtio-fs': virtioFs }, 'kata-runtime'));
  });
  after(() => rmSync(directory, { recursive: true }));
  afterEach(async () => {
    await engine.removeAll();
    assert.deepEqual(leftovers(), []);
  });

  const docker = (...args: string[]): Promise<string> => good(engine.docker(args));

  for (const runtime of ['runc', 'kata-runtime', 'virtio-fs'])
    it(`reach a volume only if its propagation requests them: ${runtime}`, async () => {
      const kinds = { private: 'rprivate', slave: 'rslave', readonly: 'ro,rslave' };
      const point = (kind: string): string => join(directory, kind, 'late');
      const volumes = Object.entries(kinds).flatMap(([kind, options]) => ['-v', `${join(directory, kind)}:/${kind}:${options}`]);
      for (const kind of Object.keys(kinds)) {
        mkdirSync(point(kind), { recursive: true });
        writeFileSync(join(point(kind), 'file'), 'below the mount\n');
      }
      await docker('run', '-d', '--name', 'one', '--runtime', runtime, ...volumes, 'busybox', 'sleep', '1000');
      const inside = (script: string): Promise<string> => docker('exec', 'one', 'sh', '-c', script);
      const host = (script: string): Promise<string> => good(engine.inMounts('sh', ['-c', `cd ${directory}; ${script}`]));
      const read = (): Promise<string> => inside('cd /; cat private/late/file slave/late/file readonly/late/file');

      await host('for kind in private slave readonly; do mount -t tmpfs none $kind/late && echo mounted >$kind/late/file; done');
      try {
        assert.equal(await read(), 'below the mount\nmounted\nmounted\n');
        await inside('for kind in private slave readonly; do echo written >/$kind/late/new; done');
        assert.equal(await host('echo */late/new'), 'readonly/late/new slave/late/new\n');
        assert.equal(await inside('touch /readonly/file 2>/dev/null || echo read-only'), 'read-only\n');
      } finally {
        // virtiofsd keeps files open that the guest has in its cache, so that the mount is busy.
        await host(`umount ${runtime === 'virtio-fs' ? '--lazy' : ''} private/late slave/late readonly/late`);
      }
      await until('the mounts have gone', async () => (await read()) === 'below the mount\n'.repeat(3));
    });

  for (const runtime of ['runc', 'kata-runtime', 'virtio-fs'])
    it(`a mount of the host below a private volume stays in it until the host removes its mount point: ${runtime}`, async () => {
      const host = (script: string): Promise<string> => good(engine.inMounts('sh', ['-c', `cd ${directory}; ${script}`]));
      await host(
        'mkdir -p early/point early/kept; for name in point kept; do mount -t tmpfs none early/$name; echo mounted >early/$name/file; done',
      );
      try {
        const volume = ['--runtime', runtime, '-v', `${join(directory, 'early')}:/early`];
        await docker('run', '-d', '--name', 'one', ...volume, 'busybox', 'sleep', '1000');
        // In the same VM.
        await docker('run', '-d', '--name', 'two', ...volume, '--network', 'container:one', 'busybox', 'sleep', '1000');
        const read = (): Promise<string[]> =>
          Promise.all(['one', 'two'].map((name) => docker('exec', name, 'sh', '-c', 'cat /early/*/file')));
        assert.deepEqual(await read(), Array(2).fill('mounted\nmounted\n'));
        await host('umount early/point');
        assert.deepEqual(await read(), Array(2).fill('mounted\nmounted\n'));
        await host('rmdir early/point');
        await until('the mount has gone', async () => (await read()).every((files) => files === 'mounted\n'));
        await docker('rm', '-f', 'two');
        assert.equal(await docker('exec', 'one', 'cat', '/early/kept/file'), 'mounted\n');
      } finally {
        await docker('rm', '-f', 'one', 'two');
        await host('umount early/point || true; umount early/kept; rm -r early');
      }
    });
});

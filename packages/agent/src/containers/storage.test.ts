import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@kata-containers/common/generated/agent';
import { MS_NODEV, MS_NOSUID, MS_RDONLY } from '@kata-containers/common/kernel/constants';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { parseMountOptions } from './parse-mount-options.ts';
import { StorageTable } from './storage.ts';

describe('parseMountOptions', () => {
  const cases: [options: string[], flags: number, data: string][] = [
    [['nodev', 'nosuid', 'mode=1777', 'size=64m'], MS_NODEV | MS_NOSUID, 'mode=1777,size=64m'],
    [['ro', 'rw'], 0, ''],
    [['ro'], MS_RDONLY, ''],
    [[], 0, ''],
  ];
  for (const [options, flags, data] of cases)
    it(`[${options.join(' ')}]`, () => assert.deepEqual(parseMountOptions(options), { flags, data }));
});

describe('StorageTable', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'storage-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const tmpfs = (): Storage =>
    Storage.fromPartial({
      driver: 'ephemeral',
      source: 'shm',
      fstype: 'tmpfs',
      mount_point: join(root, 'shm'),
      options: ['nodev', 'size=1'],
    });

  it('mounts once, unmounts with the last user', () => {
    const { kernel, calls } = recordingKernel();
    const table = new StorageTable(kernel);
    table.add(tmpfs());
    table.add(tmpfs());
    table.remove(join(root, 'shm'));
    assert.deepEqual(calls, [['mount', 'shm', join(root, 'shm'), 'tmpfs', MS_NODEV, 'size=1']]);
    table.remove(join(root, 'shm'));
    assert.equal(calls.at(-1)?.[0], 'umount');
  });

  it('a local directory is made with its mode and never unmounted', () => {
    const { kernel, calls } = recordingKernel();
    const table = new StorageTable(kernel);
    table.add(Storage.fromPartial({ driver: 'local', mount_point: join(root, 'l'), options: ['mode=0750'] }));
    assert.equal(statSync(join(root, 'l')).mode & 0o777, 0o750);
    table.removeAll();
    assert.deepEqual(calls, []);
  });

  for (const [name, storage, reason] of [
    ['an unknown driver', { driver: 'tape', mount_point: '/x' }, /Unknown storage driver "tape"/],
    ['a target in /proc', { driver: 'ephemeral', mount_point: '/proc/sys' }, /must not be mounted on/],
  ] as const) {
    it(`${name} is refused`, () => {
      const { kernel, calls } = recordingKernel();
      assert.throws(() => new StorageTable(kernel).add(Storage.fromPartial(storage)), reason);
      assert.deepEqual(calls, []);
    });
  }
});

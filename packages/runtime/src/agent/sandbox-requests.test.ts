import assert from 'node:assert/strict';
import { createSandboxRequest, shareOf } from './sandbox-requests.ts';
import type { Share } from './sandbox-requests.ts';

const keys = {
  path: '/usr/bin/qemu-system-x86_64',
  shared_fs: 'virtio-fs',
  msize_9p: 8192,
  virtio_fs_cache: 'auto',
  virtio_fs_cache_size: 0,
};

describe('mount options of the share in the guest', () => {
  const cases: [name: string, change: Partial<typeof keys>, share: Share, mount: [driver: string, fstype: string, options: string[]]][] = [
    [
      '9p',
      { shared_fs: 'virtio-9p' },
      { driver: '9p', msize: 8192, acls: false },
      ['9p', '9p', ['trans=virtio,version=9p2000.L,cache=mmap', 'nodev', 'msize=8192']],
    ],
    ['virtio-fs', {}, { driver: 'virtio-fs', dax: false }, ['virtio-fs', 'virtiofs', []]],
    ['with a DAX window', { virtio_fs_cache_size: 1024 }, { driver: 'virtio-fs', dax: true }, ['virtio-fs', 'virtiofs', ['dax']]],
    [
      'with a DAX window and without caching',
      { virtio_fs_cache_size: 1024, virtio_fs_cache: 'none' },
      { driver: 'virtio-fs', dax: false },
      ['virtio-fs', 'virtiofs', []],
    ],
  ];
  it('9p of a QEMU with POSIX ACLs', () => {
    const share = { driver: '9p', msize: 8192, acls: true } as const;
    const { storages } = createSandboxRequest({
      id: 's',
      hostname: 'h',
      dns: [],
      shmBytes: 1,
      share,
      guestHookPath: '',
      kernelModules: [],
    });
    assert.deepEqual(storages[0]?.options, ['trans=virtio,version=9p2000.L,cache=mmap', 'posixacl', 'nodev', 'msize=8192']);
  });
  for (const [name, change, share, mount] of cases) {
    it(name, () => {
      const found = shareOf({ ...keys, ...change });
      assert.deepEqual(found, share);
      const facts = { id: 's', hostname: 'h', dns: [], shmBytes: 1, share: found, guestHookPath: '', kernelModules: [] };
      const { driver, fstype, options, source, mount_point } = createSandboxRequest(facts).storages[0] ?? {};
      assert.deepEqual([driver, fstype, options], mount);
      assert.deepEqual([source, mount_point], ['kataShared', '/run/kata-containers/shared/containers/']);
    });
  }
});

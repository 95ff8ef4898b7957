import assert from 'node:assert/strict';
import { backendOption, backendValues, planMemoryBackend } from './memory-backend-plan.ts';
import type { MemoryBackend } from './memory-backend-plan.ts';

const plain = { shared_fs: 'virtio-9p', enable_hugepages: false, enable_mem_prealloc: false, file_mem_backend: '' };

describe('guest memory', () => {
  const cases: [name: string, change: Partial<typeof plain>, backend: MemoryBackend | undefined, option: string][] = [
    ['plain', {}, undefined, 'memory-backend-ram,id=m,size=1M'],
    ['preallocated', { enable_mem_prealloc: true }, { shared: false, preallocated: true }, 'memory-backend-ram,id=m,size=1M,prealloc=on'],
    [
      'huge pages',
      { enable_hugepages: true },
      { directory: '/dev/hugepages', shared: false, preallocated: false },
      'memory-backend-file,id=m,size=1M,mem-path=/dev/hugepages',
    ],
    [
      'a directory',
      { file_mem_backend: '/a,b' },
      { directory: '/a,b', shared: true, preallocated: false },
      'memory-backend-file,id=m,size=1M,mem-path=/a,,b,share=on',
    ],
    [
      'virtio-fs',
      { shared_fs: 'virtio-fs' },
      { directory: '/dev/shm', shared: true, preallocated: false },
      'memory-backend-file,id=m,size=1M,mem-path=/dev/shm,share=on',
    ],
    [
      'virtio-fs in a directory',
      { shared_fs: 'virtio-fs', file_mem_backend: '/d', enable_mem_prealloc: true },
      { directory: '/d', shared: true, preallocated: true },
      'memory-backend-file,id=m,size=1M,mem-path=/d,share=on,prealloc=on',
    ],
    [
      'virtio-fs in huge pages, which go before a directory',
      { shared_fs: 'virtio-fs', file_mem_backend: '/d', enable_hugepages: true },
      { directory: '/dev/hugepages', shared: true, preallocated: true },
      'memory-backend-file,id=m,size=1M,mem-path=/dev/hugepages,share=on,prealloc=on',
    ],
  ];
  for (const [name, change, backend, option] of cases) {
    it(name, () => {
      assert.deepEqual(planMemoryBackend({ ...plain, ...change }), backend);
      assert.equal(backendOption(backend, 'm', '1M'), option);
    });
  }

  it('uses the same kind of backend for hot-plugged memory', () => {
    assert.deepEqual(backendValues(undefined, 'mem0', 5), { 'qom-type': 'memory-backend-ram', id: 'mem0', size: 5 });
    assert.deepEqual(backendValues({ directory: '/d', shared: true, preallocated: true }, 'mem0', 5), {
      'qom-type': 'memory-backend-file',
      id: 'mem0',
      size: 5,
      'mem-path': '/d',
      share: true,
      prealloc: true,
    });
  });
});

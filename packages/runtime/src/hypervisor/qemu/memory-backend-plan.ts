/**
 * The backend of guest memory that is not plain anonymous memory, with 1.x's names. Pure. For virtiofsd, guest memory must be in a file
 * that both QEMU and virtiofsd map.
 */
import type { HypervisorConfiguration } from '../../configuration/schema.ts';
import { escapeOption, joined } from './option-text.ts';

export interface MemoryBackend {
  /** Directory in which QEMU creates and unlinks the file. Without a directory, the memory is anonymous. */
  readonly directory?: string;
  /** Other processes that map the file see the guest's writes. */
  readonly shared: boolean;
  /** Allocated at the start, so that the host cannot run out of memory later. */
  readonly preallocated: boolean;
}

/** 1.x's mount points. */
const HUGE_PAGES = '/dev/hugepages';
export const SHARED_MEMORY = '/dev/shm';

type Keys = 'shared_fs' | 'enable_hugepages' | 'enable_mem_prealloc' | 'file_mem_backend';

/** undefined for plain memory. Huge pages take precedence over a directory, as in 1.x; with virtio-fs they are preallocated. */
export function planMemoryBackend(configuration: Pick<HypervisorConfiguration, Keys>): MemoryBackend | undefined {
  const { enable_hugepages: huge, enable_mem_prealloc: preallocated, file_mem_backend: directory } = configuration;
  const isServed = configuration.shared_fs === 'virtio-fs';
  if (huge) return { directory: HUGE_PAGES, shared: isServed, preallocated: preallocated || isServed };
  if (directory !== '') return { directory, shared: true, preallocated };
  if (isServed) return { directory: SHARED_MEMORY, shared: true, preallocated };
  return preallocated ? { shared: false, preallocated } : undefined;
}

/** Value of `-object`. `size` is in QEMU's syntax. */
export function backendOption(backend: MemoryBackend | undefined, id: string, size: string): string {
  const { directory, shared = false, preallocated = false } = backend ?? {};
  const place = directory === undefined ? '' : `mem-path=${escapeOption(directory)}`;
  const kind = directory === undefined ? 'memory-backend-ram' : 'memory-backend-file';
  return joined(kind, `id=${id}`, `size=${size}`, place, shared && 'share=on', preallocated && 'prealloc=on');
}

/** Arguments of QMP's `object-add` for hot-plugged memory. */
export function backendValues(backend: MemoryBackend | undefined, id: string, bytes: number): Readonly<Record<string, unknown>> {
  const { directory, shared = false, preallocated = false } = backend ?? {};
  return {
    'qom-type': directory === undefined ? 'memory-backend-ram' : 'memory-backend-file',
    id,
    size: bytes,
    ...(directory !== undefined && { 'mem-path': directory }),
    ...(shared && { share: true }),
    ...(preallocated && { prealloc: true }),
  };
}

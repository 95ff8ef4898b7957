import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';

/** Why a VM of this plan can be neither template nor clone, and cannot be cached; undefined when it can. Pure. */
export function cloneObstacle({ virtioFs, memoryBackend }: Pick<QemuPlan, 'virtioFs' | 'memoryBackend'>): string | undefined {
  if (virtioFs) return 'a VM whose share is virtio-fs cannot be saved';
  return memoryBackend && 'the configuration demands private memory: huge pages, a directory, or preallocation';
}

import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';

/** Why a VM of this plan can be neither a template nor a clone, nor wait in the cache; undefined when it can. Pure. */
export function cloneObstacle({ virtioFs, memoryBackend }: Pick<QemuPlan, 'virtioFs' | 'memoryBackend'>): string | undefined {
  if (virtioFs) return 'a VM whose share is virtio-fs cannot be saved';
  return memoryBackend && 'its memory is to be its own: in huge pages, in a directory or preallocated';
}

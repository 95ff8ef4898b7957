import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';

/** The reason why a VM with this plan cannot be a template, a clone or a VM of the cache; undefined for other VMs. Pure. */
export function cloneObstacle({ virtioFs, memoryBackend }: Pick<QemuPlan, 'virtioFs' | 'memoryBackend'>): string | undefined {
  if (virtioFs) return 'a VM whose share is virtio-fs cannot be saved';
  return memoryBackend && 'the configuration demands private memory: huge pages, a directory, or preallocation';
}

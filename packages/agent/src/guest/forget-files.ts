import { writeFileSync } from 'node:fs';

/**
 * Has the kernel drop its caches of unused files (proc_sys_vm(5), drop_caches). With virtio-fs the daemon on the host holds each file open
 * that this kernel knows of, and the host cannot unmount what is held open.
 */
export const dropCaches = (): void => writeFileSync('/proc/sys/vm/drop_caches', '3');

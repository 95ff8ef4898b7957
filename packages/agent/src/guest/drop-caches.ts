import { writeFileSync } from 'node:fs';

/**
 * Makes the kernel drop its caches of unused files (proc_sys_vm(5), drop_caches). With virtio-fs the daemon on the host keeps each cached
 * file open, and the host cannot unmount a file system with open files.
 */
export const dropCaches = (): void => writeFileSync('/proc/sys/vm/drop_caches', '3');

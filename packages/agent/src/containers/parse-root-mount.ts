/** Whether the root file system of this /proc/mounts text is the kernel's initramfs, which pivot_root(2) refuses to leave. Pure. */
export const isInitramfs = (mounts: string): boolean => /^\S+ \/ rootfs /m.test(mounts);

/** The setting to change when QEMU's error means that it lacks a device. Pure. */

/** QEMU's texts for `-fsdev` and for the device in a build without virtfs (softmmu/vl.c, qdev-monitor.c). */
const WITHOUT_9P = /fsdev support is disabled|'virtio-9p-[a-z-]+' is not a valid device model name/;

/** `lines` are the last lines of QEMU's log. @returns the lines, followed by the hint */
export const withHint = (lines: string): string =>
  WITHOUT_9P.test(lines) ? `${lines} (this QEMU has no 9p: set path to qemu-lite, or shared_fs to "virtio-fs")` : lines;

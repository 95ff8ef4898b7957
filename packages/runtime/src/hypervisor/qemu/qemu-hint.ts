/** The setting to change when QEMU's error means that QEMU, or its confinement, lacks a feature. Pure. */
import { disabling } from '../../configuration/confinement-parts.ts';

/** QEMU's texts for `-fsdev` and for the device in a build without virtfs (softmmu/vl.c, qdev-monitor.c). */
const WITHOUT_9P = /fsdev support is disabled|'virtio-9p-[a-z-]+' is not a valid device model name/;
/** QEMU's texts for a build or a kernel without seccomp, and for an unknown part of the option (softmmu/vl.c, qemu-seccomp.c). */
const WITHOUT_SECCOMP = /-sandbox\b/;
/** Texts of ld.so, sh and QEMU for a file that is not in QEMU's root directory. */
const WITHOUT_FILE = /error while loading shared libraries|not found|No such file or directory/;

export const ONLY_OWN_FILES = `QEMU sees only the files of its VM and of /usr: ${disabling('ownRoot')}`;

const hints = [
  { pattern: WITHOUT_9P, hint: 'this QEMU has no 9p: set path to qemu-lite, or shared_fs to "virtio-fs"' },
  { pattern: WITHOUT_SECCOMP, hint: disabling('seccomp') },
];
const ofOwnRoot = { pattern: WITHOUT_FILE, hint: ONLY_OWN_FILES };

/** `lines` are the last lines of QEMU's log. @returns the lines, followed by the hint */
export function withHint(lines: string, hasOwnRoot: boolean): string {
  const found = [...hints, ...(hasOwnRoot ? [ofOwnRoot] : [])].find(({ pattern }) => pattern.test(lines));
  return found ? `${lines} (${found.hint})` : lines;
}

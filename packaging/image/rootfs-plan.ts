/** Contents of the guest's root file system. Pure. */

/** A program of the build machine's packages, and its path in the guest. */
export interface GuestProgram {
  readonly source: string;
  readonly target: string;
  /** Debian package of the source. */
  readonly package: string;
}

export const guestPrograms: readonly GuestProgram[] = [
  { source: '/bin/ip', target: '/usr/sbin/ip', package: 'iproute2' },
  { source: '/bin/ps', target: '/usr/bin/ps', package: 'procps' },
  { source: '/bin/busybox', target: '/usr/bin/busybox', package: 'busybox-static' },
];

/** Directories, including the agent's mount points. */
export const directories: readonly string[] = [
  ...['/dev', '/etc', '/lib', '/lib64', '/proc', '/root', '/run', '/sbin', '/sys', '/tmp', '/usr', '/var'],
  ...['/usr/bin', '/usr/lib', '/usr/sbin', '/var/lib', '/var/lib/osbuilder', '/sys', '/mnt'],
];

/** Links, as [path, target]. */
export const links: readonly (readonly [path: string, target: string])[] = [
  ['/bin', 'usr/bin'],
  ['/var/run', '../run'],
  ['/var/tmp', '../tmp'],
  ['/usr/bin/sh', 'busybox'],
  ['/usr/bin/modprobe', 'busybox'],
  ['/sbin/init', '../usr/bin/kata-agent'],
  ['/init', 'usr/bin/kata-agent'],
];

/** Small files, as [path, text]. resolv.conf and machine-id are empty: they are mount points of files. */
export const files: readonly (readonly [path: string, text: string])[] = [
  ['/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'],
  ['/etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'],
  ['/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'],
  ['/etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost\n'],
  ['/etc/resolv.conf', ''],
  ['/etc/machine-id', ''],
];

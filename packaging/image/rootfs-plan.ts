/** What the guest's root file system holds. Pure: a list to be read. */

/** Programs taken from the build machine's packages, with where they go in the guest. */
export interface Program {
  readonly source: string;
  readonly target: string;
  /** Debian package to name when the source is missing. */
  readonly package: string;
}

export const programs: readonly Program[] = [
  { source: '/bin/ip', target: '/usr/sbin/ip', package: 'iproute2' },
  { source: '/bin/ps', target: '/usr/bin/ps', package: 'procps' },
  { source: '/bin/busybox', target: '/usr/bin/busybox', package: 'busybox-static' },
];

/** Directories; those that the agent mounts something on among them. */
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
];

/** Small files, as [path, text]. resolv.conf and machine-id are empty on purpose: something is mounted over them. */
export const files: readonly (readonly [path: string, text: string])[] = [
  ['/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'],
  ['/etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'],
  ['/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'],
  ['/etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost\n'],
  ['/etc/resolv.conf', ''],
  ['/etc/machine-id', ''],
];

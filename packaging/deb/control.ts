/** Generates the control file and changelog of a .deb from its RPM (deb-control(5), deb-changelog(5)). Pure. */

export interface PackageFacts {
  readonly name: string;
  /** With the release, as both formats write it: `1.13.0+ts.1-1`. */
  readonly version: string;
  readonly summary: string;
  readonly description: string;
  readonly licence: string;
  /** Lines of `rpm -q --requires`. */
  readonly requires: readonly string[];
  readonly recommends: readonly string[];
  readonly suggests: readonly string[];
  readonly kibibytes: number;
}

const MAINTAINER = 'Kata Containers maintainers <maintainers@example.com>';

/** Debian's package for a file, or for a shared library by the beginning of its soname. */
const packages: Readonly<Record<string, string>> = {
  '/usr/sbin/ip': 'iproute2',
  '/usr/sbin/tc': 'iproute2',
  '/usr/sbin/modprobe': 'kmod',
  'libgcc_s.so': 'libgcc-s1',
  'libstdc++.so': 'libstdc++6',
};
/** Distributions have other names for QEMU. */
const QEMU = 'qemu-lite | qemu-system-x86';

/** The newest version of the C library that a symbol needs. */
function libc(requires: readonly string[]): string[] {
  const versions = requires.flatMap((line) => /^libc\.so\.6\(GLIBC_2\.(\d+)/.exec(line)?.[1] ?? []).map(Number);
  return versions.length === 0 ? [] : [`libc6 (>= 2.${Math.max(...versions)})`];
}

function dependency(line: string): string | undefined {
  if (line.startsWith('(qemu-lite or ')) return QEMU;
  const known = Object.keys(packages).find((name) => line.startsWith(name));
  if (known !== undefined) return packages[known];
  const [, name, relation, version] = /^((?:kata|qemu)-[\w-]+)(?: (=|>=) (\S+))?$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  return relation === undefined ? name : `${name} (${relation} ${version})`;
}

/** The value of Depends. Essential packages (/bin/sh) and rpm's own features have no place in it. */
export function dependencies(requires: readonly string[]): string[] {
  const found = requires.flatMap((line) => dependency(line) ?? []);
  return [...new Set([...libc(requires), ...found])].sort();
}

const field = (name: string, values: readonly string[]): string => (values.length === 0 ? '' : `${name}: ${values.join(', ')}\n`);

export const control = (facts: PackageFacts): string => `Package: ${facts.name}
Source: kata-containers
Version: ${facts.version}
Architecture: amd64
Maintainer: ${MAINTAINER}
Installed-Size: ${facts.kibibytes}
${field('Depends', dependencies(facts.requires))}${field('Recommends', facts.recommends)}${field('Suggests', facts.suggests)}Section: admin
Priority: optional
Homepage: https://katacontainers.io
Description: ${facts.summary.replace(/^(a|an|the) /i, '')}
${facts.description
  .split('\n')
  .map((line) => ` ${line === '' ? '.' : line}`)
  .join('\n')}
`;

/** `seconds` of the Unix epoch. */
export const changelog = ({ name, version }: PackageFacts, seconds: number): string => `${name} (${version}) unstable; urgency=medium

  * What has changed is in CHANGELOG.md of the project.

 -- ${MAINTAINER}  ${new Date(seconds * 1000).toUTCString().replace('GMT', '+0000')}
`;

/** Number of packages of this name after the step, which rpm gives its scriptlets, from the argument that dpkg gives. */
const remaining = {
  postinst: 'case $1 in configure) if [ -n "${2-}" ]; then set -- 2; else set -- 1; fi ;; *) exit 0 ;; esac',
  prerm: 'case $1 in remove) set -- 0 ;; upgrade) set -- 1 ;; *) exit 0 ;; esac',
  postrm: 'case $1 in remove) set -- 0 ;; upgrade) set -- 1 ;; *) exit 0 ;; esac',
} as const;

export type ScriptName = keyof typeof remaining;

/** A scriptlet of rpm as a maintainer script. */
export const maintainerScript = (name: ScriptName, scriptlet: string): string => `#!/bin/sh
set -e
${remaining[name]}
${scriptlet.trim()}
`;

/**
 * Versions as RPM writes them. They are the version of package.json, except the kernel's, which is in the name of its file, and QEMU's own.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `1.13.0-ts.1` becomes `1.13.0+ts.1`: RPM allows no `-`, and this version sorts after 1.13.0 of 1.x, which it replaces (`~` would sort
 * before).
 */
export const rpmVersion = (version: string): string => version.replaceAll('-', '+');

export interface Versions {
  readonly kata: string;
  readonly kernel: string;
  readonly qemu: string;
}

/** Of the first line of `--version`. */
function qemuVersion(binary: string): string {
  const [, version] = /^QEMU emulator version (\d+(?:\.\d+)+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' })) ?? [];
  if (version === undefined) throw new Error(`${binary} prints no version: stage it again`);
  return version;
}

export function readVersions(repository: string, stage: string): Versions {
  const read = (path: string): string => (JSON.parse(readFileSync(join(repository, path), 'utf8')) as { version: string }).version;
  const kernel = readdirSync(join(stage, 'usr/share/kata-containers')).flatMap(
    (name) => /^vmlinuz-(\d+\.\d+\.\d+-\d+)\.container$/.exec(name)?.[1] ?? [],
  );
  if (kernel[0] === undefined || kernel.length > 1) throw new Error(`${stage} must have one kernel, not ${kernel.length}: stage it again`);
  return {
    kata: rpmVersion(read('package.json')),
    kernel: kernel[0].replaceAll('-', '.'),
    qemu: qemuVersion(join(stage, 'usr/bin/qemu-lite-system-x86_64')),
  };
}

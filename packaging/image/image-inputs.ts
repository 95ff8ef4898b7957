/** Everything of the build machine that goes into the image: what the image's key in the cache is made of. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { programs } from './rootfs-plan.ts';
import { librariesOf } from './stage-rootfs.ts';

export interface ImageInputs {
  /** Files that count with their bytes. */
  readonly files: readonly string[];
  /** Debian packages that count with their versions: the programs that pack, and the names that the manifest gives. */
  readonly packages: readonly string[];
}

export function imageInputs({ agent, node, crun }: { agent: string; node: string; crun: string }): ImageInputs {
  const builder = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(import.meta.dirname, name));
  const sources = programs.map(({ source }) => source);
  return {
    files: [...builder, ...sources, ...librariesOf([...sources, node]), agent, node, crun],
    packages: ['binutils', 'e2fsprogs', 'libc6', 'libstdc++6', ...programs.map((program) => program.package)],
  };
}

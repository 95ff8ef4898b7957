/** Files and packages of the build machine that determine the image, for the image's key in the cache. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { guestPrograms } from './rootfs-plan.ts';
import { agentFiles, librariesOf } from './stage-rootfs.ts';

export interface ImageInputs {
  /** The key contains the bytes of these files. */
  readonly files: readonly string[];
  /** The key contains the versions of these Debian packages: tools that pack the image, and packages that the manifest names. */
  readonly packages: readonly string[];
}

/** `agent` is the directory of the built agent. */
export function imageInputs({ agent, crun }: { agent: string; crun: string }): ImageInputs {
  const builder = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(import.meta.dirname, name));
  const programs = [...guestPrograms.map(({ source }) => source), ...agentFiles(agent).map((path) => join(agent, path))];
  return {
    files: [...builder, ...programs, ...librariesOf(programs), crun],
    packages: ['e2fsprogs', 'libc6', ...guestPrograms.map((program) => program.package)],
  };
}

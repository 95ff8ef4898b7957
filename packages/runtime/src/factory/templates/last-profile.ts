/**
 * The seccomp profile of the last container, kept beside the templates. Compiling a profile in the guest takes longer than the rest of a
 * container's creation. VMs that are made before their container is known compile this profile, because most containers of an engine have
 * the same profile.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Seccomp } from '@kata-containers/common/oci/spec';

/** In the directory of the templates. */
const FILE = 'seccomp.json';
/** Longer profiles are not stored. Docker's profile has 12 KiB. */
const MAX_BYTES = 1 << 20;

export const profileFile = (templates: string): string => join(templates, FILE);

function read(path: string): string | undefined {
  try {
    return statSync(path).size > MAX_BYTES ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** undefined when no container has had a profile since the first template was made. */
export function readLastProfile(templates: string): Seccomp | undefined {
  try {
    return JSON.parse(read(profileFile(templates)) ?? '') as Seccomp;
  } catch {
    return undefined;
  }
}

/** Has no effect before the first template is made, and on a full file system. */
export function keepLastProfile(templates: string, profile: Seccomp): void {
  const path = profileFile(templates);
  const text = JSON.stringify(profile);
  if (text.length > MAX_BYTES || text === read(path)) return;
  const incomplete = `${path}.${process.pid}`;
  try {
    writeFileSync(incomplete, text, { mode: 0o600 });
    renameSync(incomplete, path);
  } catch {
    rmSync(incomplete, { force: true }); // containers do not need the file
  }
}

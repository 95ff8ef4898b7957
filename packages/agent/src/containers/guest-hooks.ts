/** Hooks in the guest image: programs in `<path>/{prestart,poststart,poststop}` (1.x's guest_hook_path). */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Hook, Hooks } from '@kata-containers/common/oci/spec';

const ANY_EXECUTE = 0o111;

/** Regular files that are executable; links are ignored, as in 1.x. */
function isProgram(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isFile() && (stat.mode & ANY_EXECUTE) !== 0;
}

function hooksOf(directory: string, kind: string): Hook[] {
  let names: string[];
  try {
    names = readdirSync(join(directory, kind)).sort();
  } catch {
    return [];
  }
  return names
    .filter((name) => isProgram(join(directory, kind, name)))
    .map((name) => ({ path: join(directory, kind, name), args: [name, kind] }));
}

/** undefined when there are none. */
export function findGuestHooks(directory: string): Hooks | undefined {
  const hooks: Hooks = {
    prestart: hooksOf(directory, 'prestart'),
    poststart: hooksOf(directory, 'poststart'),
    poststop: hooksOf(directory, 'poststop'),
  };
  return Object.values(hooks).some((list: Hook[]) => list.length > 0) ? hooks : undefined;
}

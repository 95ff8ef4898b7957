/** The executable's first source file: loads the program whose launcher has been started. */
import { basename } from 'node:path';

const programs: Readonly<Record<string, () => Promise<unknown>>> = {
  'kata-shim': () => import('../../packages/shim/src/main.ts'),
};

/** launch.c passes the path of the launcher. */
const load = programs[basename(process.argv0)] ?? (() => import('../../packages/runtime/src/main.ts'));
void load();

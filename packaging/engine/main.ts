/** The executable's first source file: loads the program whose launcher has been started. */
import { basename } from 'node:path';

const programs: Readonly<Record<string, () => Promise<unknown>>> = {
  'kata-proxy': () => import('../../packages/proxy/src/main.ts'),
  'kata-ksm-throttler': () => import('../../packages/ksm-throttler/src/main.ts'),
  vc: () => import('../../packages/ksm-throttler/src/trigger/vc/main.ts'),
  'kata-shim': () => import('../../packages/shim/src/main.ts'),
};

/** launch.c passes the path of the launcher. */
const load = programs[basename(process.argv0)] ?? (() => import('../../packages/runtime/src/main.ts'));
void load();

/** Generates the bash completion: `node packaging/completion/write.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { completionScript } from './completion-script.ts';

writeFileSync(join(import.meta.dirname, 'kata-runtime'), await completionScript());

/** Generates docs/configuration.md: `node packaging/configuration/write.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configurationDocument } from './document.ts';

const file = join(import.meta.dirname, '../../docs/configuration.md');
writeFileSync(file, await format(configurationDocument(), { ...(await resolveConfig(file)), filepath: file }));

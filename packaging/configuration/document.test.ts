import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configurationDocument } from './document.ts';

const file = join(import.meta.dirname, '../../docs/configuration.md');

describe('docs/configuration.md', () => {
  it('is up to date with the table of keys (else run node packaging/configuration/write.ts)', async () => {
    const written = readFileSync(file, 'utf8');
    assert.equal(written, await format(configurationDocument(), { ...(await resolveConfig(file)), filepath: file }));
  });
});

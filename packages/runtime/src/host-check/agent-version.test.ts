import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentVersionOf } from './agent-version.ts';

describe('agentVersionOf', () => {
  it('reads the manifest beside the image', () => {
    const directory = mkdtempSync(join(tmpdir(), 'manifest-'));
    try {
      const image = join(directory, 'kata.img');
      assert.equal(agentVersionOf(image), undefined);
      writeFileSync(join(directory, 'manifest.json'), JSON.stringify([{ package: 'libc6 2' }, { package: 'kata-agent 1.13.0-ts.1' }]));
      assert.equal(agentVersionOf(image), '1.13.0-ts.1');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

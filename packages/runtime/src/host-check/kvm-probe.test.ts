import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootsWithKvm } from './kvm-probe.ts';

const SILENCE_MS = 400;

describe('bootsWithKvm', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kata-probe-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  /** `script` replaces QEMU. */
  function boots(script: string): Promise<boolean> {
    const binary = join(directory, 'qemu');
    writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return bootsWithKvm(binary, 'kernel', SILENCE_MS);
  }

  const cases: [name: string, script: string, expected: boolean][] = [
    ['a guest that panics at once', 'echo panic', true],
    ['a slow guest that writes to its console', 'for line in 1 2 3 4 5 6 7 8; do sleep 0.1; echo $line; done', true],
    ['a guest that writes nothing', 'exec sleep 60', false],
    ['a guest that stops writing', 'echo Linux; exec sleep 60', false],
    ['a QEMU that ends without a guest', ':', false],
    ['a QEMU that fails', 'echo no; exit 1', false],
  ];
  for (const [name, script, expected] of cases) it(name, async () => assert.equal(await boots(script), expected));

  it('a missing QEMU', async () => assert.equal(await bootsWithKvm(join(directory, 'nothing'), 'kernel'), false));
});

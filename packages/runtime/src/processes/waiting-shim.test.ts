import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WAITING_SHIM } from '@kata-containers/common/command-lines/shim-command-line';
import { isWaitingShim } from './waiting-shim.ts';

describe('isWaitingShim', () => {
  const directory = mkdtempSync(join(tmpdir(), 'waiting-shim-'));
  const path = join(directory, 'kata-shim');
  after(() => rmSync(directory, { recursive: true }));
  const programs: [name: string, text: string, size: number | undefined, expected: boolean][] = [
    ['our launcher', `\x7fELF\0\xff${WAITING_SHIM}\0`, undefined, true],
    ['a script around our shim', `#!/bin/sh\n# ${WAITING_SHIM}\nexec kata-shim "$@"\n`, undefined, true],
    ['another shim', '\x7fELF KATA_SHIM_DUTIES', undefined, false],
    ['a program of the size of 1.x’s', WAITING_SHIM, 10 << 20, false],
  ];
  for (const [name, text, size, expected] of programs)
    it(name, () => {
      writeFileSync(path, text, 'latin1');
      if (size !== undefined) truncateSync(path, size);
      assert.equal(isWaitingShim(path), expected);
    });
  it('a missing file', () => assert.equal(isWaitingShim(join(directory, 'missing')), false));
  it('a directory', () => assert.equal(isWaitingShim(directory), false));
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ksmdSeconds } from './ksmd-time.ts';

describe('CPU time of ksmd', () => {
  let proc = '';
  const processes = (stats: Record<string, string>): void => {
    for (const [pid, stat] of Object.entries(stats)) {
      mkdirSync(join(proc, pid));
      writeFileSync(join(proc, pid, 'stat'), `${pid} ${stat}`);
    }
  };
  beforeEach(() => (proc = mkdtempSync(join(tmpdir(), 'proc-'))));
  afterEach(() => rmSync(proc, { recursive: true }));
  const numbers = '0 0 0 -1 69238848 0 0 0 0 150 1234 0 0 25 5 1 0 46 0 0';

  it('is user and system time of the kernel thread', () => {
    processes({ '1': `(init) S 0 ${numbers}`, '36': `(ksmd) S 2 ${numbers}` });
    writeFileSync(join(proc, 'meminfo'), '');
    assert.equal(ksmdSeconds(proc), 13.84);
  });
  it('ignores a program of the same name', () => {
    processes({ '36': `(ksmd) S 7 ${numbers}`, '37': `((ksmd) S 2 1) S 7 ${numbers}` });
    assert.equal(ksmdSeconds(proc), undefined);
  });
  it('is unknown in a PID namespace', () => assert.equal(ksmdSeconds(proc), undefined));
});

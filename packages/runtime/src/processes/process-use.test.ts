import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLineOf, diskBytes, memoryBytes, processesBeside, programOf } from './process-use.ts';

const NONE = 2 ** 22 + 1;
const SIZE = 1 << 20;

describe('process use', () => {
  it('returns the resources of a running process', () => {
    assert.ok(memoryBytes(process.pid) > 1_000_000n);
    assert.equal(programOf(process.pid), process.execPath);
    assert.ok(commandLineOf(process.pid).includes('mocha'));
    assert.ok(processesBeside(process.pid).includes(process.pid));
  });
  it('counts bytes that a process writes to a disk', () => {
    const directory = mkdtempSync('/var/tmp/kata-'); // /tmp may be a tmpfs
    try {
      const before = diskBytes(process.pid);
      writeFileSync(join(directory, 'file'), Buffer.alloc(SIZE), { flush: true });
      assert.ok(diskBytes(process.pid) - before >= SIZE);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
  it('returns nothing for an ended process', () =>
    assert.deepEqual(
      [memoryBytes(NONE), diskBytes(NONE), programOf(NONE), commandLineOf(NONE), processesBeside(NONE)],
      [0n, 0, undefined, '', []],
    ));
});

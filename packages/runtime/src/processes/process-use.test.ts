import assert from 'node:assert/strict';
import { commandLineOf, memoryBytes, processesBeside, programOf } from './process-use.ts';

const NONE = 2 ** 22 + 1;

describe('process use', () => {
  it('returns the resources of a running process', () => {
    assert.ok(memoryBytes(process.pid) > 1_000_000n);
    assert.equal(programOf(process.pid), process.execPath);
    assert.ok(commandLineOf(process.pid).includes('mocha'));
    assert.ok(processesBeside(process.pid).includes(process.pid));
  });
  it('returns nothing for an ended process', () =>
    assert.deepEqual([memoryBytes(NONE), programOf(NONE), commandLineOf(NONE), processesBeside(NONE)], [0n, undefined, '', []]));
});

import assert from 'node:assert/strict';
import { memoryBoundMiB, memoryProblems } from './check-memory.ts';

const meminfo = 'MemTotal:        4194304 kB\nMemFree: 1 kB\nSwapTotal:       1048576 kB\n';

describe('memoryBoundMiB', () => {
  it('is the sum of memory and swap', () => assert.equal(memoryBoundMiB({ meminfo, overcommit: '0\n' }), 5120));
  it('is undefined if the host always overcommits', () => assert.equal(memoryBoundMiB({ meminfo, overcommit: '1\n' }), undefined));
});

describe('memoryProblems', () => {
  const host = { meminfo, overcommit: '0' };
  it('name the bound', () =>
    assert.deepEqual(memoryProblems(99999999, host), ['must be at most 5120 MiB, the memory and swap of this host']));
  it('are empty up to the bound', () => assert.deepEqual(memoryProblems(5120, host), []));
  it('are empty without facts about the host', () => assert.deepEqual(memoryProblems(5120, { meminfo: '', overcommit: '0' }), []));
});

import assert from 'node:assert/strict';
import { memoryBoundMiB, memoryProblems } from './check-memory.ts';

const meminfo = 'MemTotal:        4194304 kB\nMemFree: 1 kB\nSwapTotal:       1048576 kB\n';

describe('memoryBoundMiB', () => {
  it('is memory and swap', () => assert.equal(memoryBoundMiB({ meminfo, overcommit: '0\n' }), 5120));
  it('does not exist where the host overcommits always', () => assert.equal(memoryBoundMiB({ meminfo, overcommit: '1\n' }), undefined));
});

describe('memoryProblems', () => {
  const host = { meminfo, overcommit: '0' };
  it('names the bound', () =>
    assert.deepEqual(memoryProblems(99999999, host), ['must be at most 5120 MiB, the memory and swap of this host']));
  it('are none up to the bound', () => assert.deepEqual(memoryProblems(5120, host), []));
  it('are none where the host tells nothing', () => assert.deepEqual(memoryProblems(5120, { meminfo: '', overcommit: '0' }), []));
});

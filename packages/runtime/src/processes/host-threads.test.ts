import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostThreads } from './host-threads.ts';

describe('host ids of threads from ids in a PID namespace', () => {
  it('are equal in the same namespace; ids of other processes are omitted', () =>
    assert.deepEqual(hostThreads(process.pid, [process.pid, process.ppid, 1]), [process.pid]));

  it('are found from another PID namespace (root)', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const child = spawn('unshare', ['--pid', '--fork', 'sh', '-c', 'echo there; read x'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const inner = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
      assert.deepEqual([hostThreads(inner, [1]), hostThreads(inner, [inner])], [[inner], []]);
    } finally {
      child.stdin.end();
      await once(child, 'close');
    }
  });
});

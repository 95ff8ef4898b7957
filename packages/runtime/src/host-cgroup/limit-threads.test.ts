import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limitThreads, limitsThreads } from './limit-threads.ts';

/** Plain directories with the files that are written; tests as root check the kernel's behaviour. */
describe('thread limits', () => {
  let root = '';
  const directories = (): string[] => [join(root, 'cpu'), join(root, 'all')];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'threads-'));
    for (const directory of directories()) mkdirSync(directory);
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const put = (file: string, text = ''): void => writeFileSync(join(root, 'all', file), text);
  const read = (file: string): string => readFileSync(join(root, 'all', file), 'latin1');

  it('version 1: a cgroup of its own for QEMU', async () => {
    put('pids.max', 'max\n');
    assert.equal(limitsThreads(directories()), false);
    await limitThreads(directories(), 17);
    assert.deepEqual([read('qemu/pids.max'), read('qemu/cgroup.procs'), read('pids.max')], ['1024', '17', 'max\n']);
    assert.equal(limitsThreads(directories()), true);
  });

  it("version 2: the sandbox's cgroup", async () => {
    put('cgroup.controllers');
    put('pids.max', 'max\n');
    assert.equal(limitsThreads(directories()), false);
    await limitThreads(directories(), 17);
    assert.equal(read('pids.max'), '16384');
    assert.equal(limitsThreads(directories()), true);
  });

  it('fail on a host without the pids controller', async () => {
    await assert.rejects(limitThreads(directories(), 17), { message: 'the host has no pids cgroup' });
    assert.equal(limitsThreads(directories()), false);
  });
});

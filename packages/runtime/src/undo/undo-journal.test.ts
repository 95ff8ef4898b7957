import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import { UndoJournal, replay } from './undo-journal.ts';
import type { Undo } from './undo-journal.ts';

describe('replay', () => {
  const kill = (name: string): Undo => ({ undo: 'kill', name, process: { pid: 1, startTime: '0' } });
  const entries: Undo[] = [{ undo: 'rmdir', path: '/a' }, kill('qemu'), { undo: 'unmount', path: '/a/b' }, kill('kata-shim')];
  const nameOf = (entry: Undo): string => ('name' in entry ? entry.name : 'path' in entry ? entry.path : entry.undo);

  it('first ends processes, then undoes the other entries in reverse order', async () => {
    const done: string[] = [];
    assert.deepEqual(await replay(entries, (entry) => void done.push(nameOf(entry))), []);
    assert.deepEqual(done, ['kata-shim', 'qemu', '/a/b', '/a']);
  });

  it('continues after a failure and reports it', async () => {
    const done: string[] = [];
    const failures = await replay(entries, (entry) => {
      if (entry.undo === 'unmount') throw new Error('busy');
      done.push(nameOf(entry));
    });
    assert.deepEqual([failures, done], [['busy'], ['kata-shim', 'qemu', '/a']]);
  });
});

describe('recordProcess', () => {
  it('kills a process that cannot be recorded', async () => {
    const child = spawn('sleep', ['1000']);
    const identity = identifyProcess(child.pid ?? 0);
    assert.ok(identity);
    const journal = new UndoJournal('/dev/full');
    assert.throws(() => journal.recordProcess({ undo: 'kill', name: 'qemu', process: identity }), /ENOSPC/);
    child.kill('SIGTERM'); // ends a process that was not killed
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  });
});

describe('UndoJournal', () => {
  const entries: Undo[] = ['/a', '/b', '/c'].map((path) => ({ undo: 'rmdir', path, ...(path === '/b' && { container: 'c' }) }));
  let directory: string;
  let journal: UndoJournal;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-journal-'));
    journal = new UndoJournal(join(directory, 'undo.jsonl'));
    for (const entry of entries) journal.record(entry);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('rewrite writes the kept entries in their order and leaves no temporary file', () => {
    journal.rewrite(({ container }) => container === undefined);
    assert.deepEqual(journal.entries(), [entries[0], entries[2]]);
    assert.deepEqual(readdirSync(directory), ['undo.jsonl']);
  });
});

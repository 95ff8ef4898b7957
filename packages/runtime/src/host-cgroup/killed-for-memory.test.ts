import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killedForMemory } from './killed-for-memory.ts';

describe('killedForMemory', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'killed-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const cases: [what: string, file: string, text: string, killed: boolean][] = [
    ['version 1', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n', true],
    ['version 1, nobody', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n', false],
    ['version 2', 'memory.events', 'low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n', true],
    ['version 2, nobody', 'memory.events', 'low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n', false],
    ['no controller for memory', 'cpu.max', 'max 100000\n', false],
  ];
  for (const [what, file, text, killed] of cases)
    it(what, () => {
      mkdirSync(join(root, 'other'));
      mkdirSync(join(root, 'memory'));
      writeFileSync(join(root, 'memory', file), text);
      assert.equal(killedForMemory([join(root, 'other'), join(root, 'memory'), join(root, 'gone')]), killed);
    });
});

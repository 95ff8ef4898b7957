import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCgroup } from './cgroup.ts';
import { oomKills, oomKillsFileIn } from './oom-kills.ts';

describe('parseCgroup', () => {
  it('returns a directory for each controller of version 1', () => {
    const cgroup = parseCgroup('5:memory:/docker/x\n4:cpu,cpuacct:/c\n0::/\n', '/cg');
    assert.deepEqual(
      [cgroup.version, cgroup.directory('memory'), cgroup.directory('cpuacct')],
      [1, '/cg/memory/docker/x', '/cg/cpuacct/c'],
    );
    assert.equal(cgroup.directory('pids'), '/cg/pids/');
  });
  it('returns one directory for all controllers of version 2', () => {
    const cgroup = parseCgroup('0::/docker/x\n', '/cg');
    assert.deepEqual([cgroup.version, cgroup.directory('memory'), cgroup.directory('pids')], [2, '/cg/docker/x', '/cg/docker/x']);
  });
});

describe('oomKills', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'cgroup-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const files: [version: string, membership: string, path: string, text: string][] = [
    ['1', '3:memory:/c\n0::/\n', 'memory/c/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'],
    ['2', '0::/c\n', 'c/memory.events', 'low 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n'],
  ];
  for (const [version, membership, path, text] of files) {
    it(`version ${version}`, () => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
      assert.equal(oomKills(parseCgroup(membership, root)), 2);
      assert.equal(oomKillsFileIn([root, join(root, path, '..')]), join(root, path));
    });
    it(`version ${version}, of a removed cgroup`, () => assert.equal(oomKills(parseCgroup(membership, root)), 0));
    it(`version ${version}, without a memory controller`, () => assert.equal(oomKillsFileIn([root]), undefined));
  }
});

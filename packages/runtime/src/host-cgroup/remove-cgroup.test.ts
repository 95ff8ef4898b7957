import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinCgroup, makeCgroup } from './join-cgroup.ts';
import { removeCgroup } from './remove-cgroup.ts';

/** Plain directories with the files that are written; tests as root check the kernel's behaviour. */
describe('cgroups of the host', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'cgroup-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('are created and joined; with version 2 controllers are enabled for children', async () => {
    for (const directory of ['', 'd']) {
      mkdirSync(join(root, directory), { recursive: true });
      writeFileSync(join(root, directory, 'cgroup.subtree_control'), '');
    }
    const directories = [join(root, 'd/kata_x')];
    makeCgroup({ version: 2, roots: [root], directories });
    await joinCgroup(directories);
    assert.equal(readFileSync(join(root, 'd/kata_x/cgroup.procs'), 'latin1'), '0');
    for (const directory of ['', 'd']) assert.equal(readFileSync(join(root, directory, 'cgroup.subtree_control'), 'latin1'), '+io');
    assert.equal(existsSync(join(root, 'd/kata_x/cgroup.subtree_control')), false);
  });

  it('are removed; a missing cgroup is not an error', async () => {
    mkdirSync(join(root, 'kata_x'));
    await removeCgroup([join(root, 'kata_x'), join(root, 'kata_y')]);
    assert.equal(existsSync(join(root, 'kata_x')), false);
  });

  it('are removed with their children', async () => {
    mkdirSync(join(root, 'kata_x/vcpus'), { recursive: true });
    await removeCgroup([join(root, 'kata_x')]);
    assert.equal(existsSync(join(root, 'kata_x')), false);
  });

  it('are removed after their processes were moved to the parent', async () => {
    mkdirSync(join(root, 'kata_x'));
    writeFileSync(join(root, 'cgroup.procs'), '');
    writeFileSync(join(root, 'kata_x/cgroup.procs'), '17\n');
    await assert.rejects(removeCgroup([join(root, 'kata_x')]), { code: 'ENOTEMPTY' }); // files of a real cgroup do not keep rmdir from working
    assert.equal(readFileSync(join(root, 'cgroup.procs'), 'latin1'), '17');
  });
});

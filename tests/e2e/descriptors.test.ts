/** Open fds of the processes: with a leaked fd docker would wait for end of file forever. */
import assert from 'node:assert/strict';
import { constants, readlinkSync } from 'node:fs';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { openFiles, processWith } from '../support/proc-files.ts';
import { kataRuntime } from '../support/staged.ts';

/** Flag of open(2); Node has no constant for it. */
const O_ACCMODE = 0o3;

describe('fds', function () {
  this.timeout(120_000);
  let engine: Engine;
  let id = '';
  let shim = '';
  before(async () => {
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
    const { stdout, stderr } = await engine.docker(['run', '-d', '-i', '--name', 'box', 'busybox', 'sleep', '10000']);
    id = stdout.trim();
    assert.match(id, /^[0-9a-f]{64}$/, stderr);
    shim = (await engine.docker(['inspect', '-f', '{{.State.Pid}}', id])).stdout.trim();
  });
  after(async () => {
    await engine.stop();
    assert.deepEqual(leftovers(), []);
  });

  it('only the shim has the pipes of the engine', () => {
    const pipes = ['0', '1', '2'].map((fd) => readlinkSync(`/proc/${shim}/fd/${fd}`));
    for (const pattern of [`kata-proxy .*${id}`, `qemu-(?:lite-)?system.*sandbox-${id}`]) {
      const files = openFiles(processWith(new RegExp(pattern))).map(({ path }) => path);
      assert.deepEqual(
        files.filter((path) => pipes.includes(path) || path.includes(engine.directory)),
        [],
        pattern,
      );
    }
  });

  it('the shim has only its stdio, its connection, the fds that Node needs, and two files that it reads', () => {
    const files = openFiles(Number(shim));
    const others = files
      .map(({ path }) => path)
      .filter((path) => !/^(anon_inode:|socket:|pipe:|\/dev\/(null|urandom)|\/run\/docker|\/tmp\/kata-e2e)/.test(path));
    // Opened before the shim confines itself: the servers of docker's resolver, and OOM kills of QEMU's cgroup.
    const read = [new RegExp(`/containers/${id}/resolv\\.conf$`), /^\/sys\/fs\/cgroup\/.*\/memory\.(oom_control|events)$/];
    assert.deepEqual(
      others.filter((path) => !read.some((pattern) => pattern.test(path))),
      [],
    );
    for (const { path, flags } of files.filter((file) => read.some((pattern) => pattern.test(file.path))))
      assert.equal(flags & O_ACCMODE, constants.O_RDONLY, path);
  });

  it('a process in the container has three fds', async () => {
    for (const flag of ['-i', '-it']) {
      const args = flag === '-i' ? ['exec', flag, 'box'] : ['exec', 'box'];
      const { stdout } = await engine.docker([...args, 'ls', '/proc/self/fd']);
      assert.deepEqual(stdout.trim().split(/\s+/), ['0', '1', '2', '3'], 'the fourth is the directory that is read');
    }
  });
});

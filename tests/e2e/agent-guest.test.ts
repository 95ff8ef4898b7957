/** The agent in a guest with cgroups version 2, and after the death of a shim. */
import assert from 'node:assert/strict';
import { processesBeside } from '../../packages/runtime/src/processes/process-use.ts';
import { Engine } from '../support/engine.ts';
import { until } from '../support/until.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime, variant } from '../support/staged.ts';

describe('kata-agent in the guest', function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));
  after(async () => {
    await engine.stop();
    assert.deepEqual(leftovers(), []);
  });

  it('limits are enforced with cgroup version 2', async () => {
    const withV2 = (toml: string): string => toml.replace(/^kernel_params = .*$/m, 'kernel_params = "agent.unified_cgroup_hierarchy=true"');
    const other = await Engine.start({ unified: variant(engine.directory, 'unified', withV2) }, 'unified');
    try {
      const script = 'cat /proc/self/cgroup; exec dd if=/dev/zero of=/dev/null bs=200M count=1';
      const args = ['run', '--rm', '-m', '32m', '--memory-swap', '32m', 'busybox', 'sh', '-c', script];
      const { code, stdout, stderr } = await other.docker(args);
      assert.match(stdout, /^0::\/docker\/[0-9a-f]{64}\n$/, stderr);
      assert.equal(code, 137, stderr);
    } finally {
      await other.stop();
    }
  });

  /** The shims of processes that were exec'd in this container. */
  async function execShims(id: string): Promise<number[]> {
    const first = Number((await engine.docker(['inspect', '-f', '{{.State.Pid}}', id])).stdout);
    return processesBeside(first).filter((pid) => pid !== first);
  }

  it('a process is killed when its shim was killed; the container continues to run', async () => {
    const { stdout: id } = await engine.docker(['run', '-d', 'busybox', 'sleep', '1000']);
    await engine.docker(['exec', '-d', id.trim(), 'sleep', '555']);
    const processes = async (): Promise<string> => (await engine.docker(['exec', id.trim(), 'ps', '-o', 'args'])).stdout;
    assert.match(await processes(), /^sleep 555$/m);
    const shims = await execShims(id.trim());
    assert.equal(shims.length, 1);
    for (const pid of shims) process.kill(pid, 'SIGKILL');
    await until('the process has ended', async () => !/^sleep 555$/m.test(await processes()), 60_000);
    assert.match(await processes(), /^sleep 1000$/m);
    await engine.docker(['rm', '-f', id.trim()]);
  });
});

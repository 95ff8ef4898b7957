/** When a process of the sandbox ends while `create` waits, create fails at once and names the process. The fakes end independently. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { leftovers } from '../support/leftovers.ts';
import { processWith } from '../support/proc-files.ts';
import { until } from '../support/until.ts';
import { RuntimeRig, fake } from './runtime-rig.ts';

/** Maximum time from the end of the process to the end of create. Without the watch, create would wait a minute. */
const SOON_MS = 2000;

describe('kata-runtime create and processes that end', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  const create = (): ReturnType<RuntimeRig['start']> => rig.start(['create', '--bundle', rig.scratch.file('bundle'), rig.id]);

  it("if the proxy exits at its start, create fails at once with the proxy's last lines", async () => {
    rig.prepare({ refuses: 'dies' });
    const begun = performance.now();
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(stderr, /kata-proxy \(.*\) ended \(exit code 1\): level=fatal msg="no proxy today"/);
    assert.ok(performance.now() - begun < SOON_MS + 3000, `${performance.now() - begun} ms`);
    assert.deepEqual(leftovers(), []);
  });

  it('the proxy starts only after QEMU listens', async () => {
    rig.prepare();
    rig.executable('qemu', `sleep 1; exec ${fake('qemu.ts')} good "$@"`);
    assert.deepEqual(await rig.create().then(({ code, stderr }) => [code, stderr]), [0, '']);
  });

  const victims: [name: string, commandLine: string, call: string][] = [
    ['QEMU', 'fakes/qemu.ts', 'check'],
    ['kata-proxy', 'fakes/proxy.ts', 'check'],
    ['virtiofsd', 'fakes/virtiofsd.ts', 'check'],
    ['QEMU', 'fakes/qemu.ts', 'createSandbox'],
    ['kata-proxy', 'fakes/proxy.ts', 'createSandbox'],
    ['virtiofsd', 'fakes/virtiofsd.ts', 'createSandbox'],
    ['QEMU', 'fakes/qemu.ts', 'createContainer'],
    ['kata-proxy', 'fakes/proxy.ts', 'createContainer'],
    ['virtiofsd', 'fakes/virtiofsd.ts', 'createContainer'],
    ['kata-shim', 'sleep 1000', 'onlineCPUMem'],
    ['QEMU', 'fakes/qemu.ts', 'onlineCPUMem'],
  ];
  for (const [name, commandLine, call] of victims)
    it(`${name} ends while the agent is at ${call}`, async () => {
      const daemon = rig.executable('virtiofsd', `exec ${fake('virtiofsd.ts')} good ${rig.scratch.file('args')} "$@"`);
      rig.prepare({ configuration: { 'hypervisor.qemu.shared_fs': 'virtio-fs', 'hypervisor.qemu.virtio_fs_daemon': daemon } });
      writeFileSync(rig.scratch.file('calls.hold'), call);
      const { child, output } = create();
      const exited = once(child, 'exit');
      await until(`the agent is at ${call}`, () => rig.calls().some((line) => line.startsWith(`${call} `)), 20_000);
      const begun = performance.now();
      process.kill(processWith(new RegExp(commandLine)), 'SIGKILL');
      assert.deepEqual(await exited, [1, null]);
      assert.ok(performance.now() - begun < SOON_MS, `${performance.now() - begun} ms`);
      assert.match(output().stderr, new RegExp(`${name} .*ended`));
      assert.deepEqual(leftovers(), []);
    });

  it('create fails if the shim has exited before the container is complete', async () => {
    rig.prepare({ shim: 'exit 1' });
    rig.changeSpec((spec) => Object.assign(spec.linux, { resources: { memory: { limit: 3 * 2 ** 30 } } }));
    writeFileSync(rig.scratch.file('calls.hold'), 'onlineCPUMem'); // otherwise the container may be complete before the shim exits
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, leftovers()], [1, []]);
    assert.match(stderr, /kata-shim \(process \d+\) has ended/);
  });

  it('delete waits for a guest that is slow to answer, and only then ends its VM', async () => {
    rig.prepare();
    assert.equal((await rig.create()).code, 0);
    process.kill(processWith(/sleep 1000/), 'SIGKILL'); // the shim
    const proxy = processWith(/fakes\/proxy.ts/);
    process.kill(proxy, 'SIGSTOP');
    setTimeout(() => process.kill(proxy, 'SIGCONT'), 2000);
    assert.deepEqual(await rig.kata('delete', rig.id).then(({ code, stderr }) => [code, stderr]), [0, '']);
    assert.ok(rig.calls().some((line) => line.startsWith('destroySandbox ')));
    assert.deepEqual(leftovers(), []);
  });

  it('start of a container whose VM was OOM-killed names this', async () => {
    rig.prepare();
    assert.equal((await rig.create()).code, 0);
    const qemu = processWith(/fakes\/qemu.ts/);
    const file = (name: string): string => `/sys/fs/cgroup/memory/kata_${rig.id}/${name}`;
    writeFileSync(file('memory.limit_in_bytes'), String(Number(readFileSync(file('memory.usage_in_bytes'), 'latin1')) + (8 << 20)));
    const victim = `echo 1000 >/proc/self/oom_score_adj; echo $$ >${file('cgroup.procs')}; x=a; while :; do x=$x$x; done`;
    assert.equal(spawnSync('sh', ['-c', victim]).signal, 'SIGKILL');
    process.kill(qemu, 'SIGKILL');
    await until('QEMU has ended', () => !existsSync(`/proc/${qemu}`));
    const { code, stderr } = await rig.kata('start', rig.id);
    assert.equal(code, 1);
    assert.match(stderr, /^the VM was OOM-killed by the host \(.+\)$/m);
  });
});

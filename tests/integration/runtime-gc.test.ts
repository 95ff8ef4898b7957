/** `kata-gc`: removes the remains of crashes, by journal if there is one, and nothing that is in use or belongs to a user. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers } from '../support/leftovers.ts';
import { hasEnded, processesWith } from '../support/proc-files.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';

const NOTHING = 'nothing is left behind\n';

const proxies = (): number[] => processesWith(/fakes\/proxy\.ts/);

describe('kata-runtime kata-gc', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => {
    rig = new RuntimeRig();
    rig.prepare();
  });
  afterEach(async () => {
    assert.equal(readFileSync(rig.scratch.file('volume/kept'), 'latin1'), 'data');
    await rig.close();
  });

  const gc = async (...args: string[]): Promise<[code: number, stdout: string, stderr: string]> => {
    const { code, stdout, stderr } = await rig.kata('kata-gc', ...args);
    return [code, stdout, stderr];
  };
  const create = async (): Promise<void> => {
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, stderr], [0, '']);
  };
  const shimPid = (): number => Number(readFileSync(rig.scratch.file('pid'), 'latin1'));
  const qemuPid = (): number => Number(readFileSync(`/run/vc/vm/${rig.id}/pid`, 'latin1'));
  async function kill(...pids: number[]): Promise<void> {
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until('the processes end', () => pids.every(hasEnded));
  }

  it('leaves running sandboxes unchanged', async () => {
    assert.deepEqual(await gc(), [0, NOTHING, '']);
    await create();
    assert.deepEqual(await gc(), [0, NOTHING, '']);
    assert.equal(await rig.status(), 'created');
  });

  it('removes a sandbox whose processes were killed; --dry-run only prints it', async () => {
    await create();
    const qemu = qemuPid();
    await kill(qemu, ...proxies(), shimPid());
    const what = `sandbox ${rig.id}: QEMU (pid ${qemu}) has ended\n`;
    assert.deepEqual(await gc('--dry-run'), [0, `would remove ${what}`, '']);
    assert.notDeepEqual(leftovers(), []);
    assert.deepEqual(await gc(), [0, `removed ${what}`, '']);
    assert.deepEqual(leftovers(), []);
  });

  it('ends a VM whose shims were killed', async () => {
    await create();
    const qemu = qemuPid();
    await kill(shimPid());
    assert.deepEqual(await gc(), [0, `removed sandbox ${rig.id}: QEMU (pid ${qemu}) runs, and no shim of its containers does\n`, '']);
    assert.deepEqual(leftovers(), []);
  });

  it('waits for an engine that still has a process for the container', async () => {
    await create();
    await kill(shimPid());
    const engine = spawn('sh', ['-c', 'sleep 1000 & wait', 'containerd-shim', '-id', rig.id], { stdio: 'ignore' });
    try {
      assert.deepEqual(await gc(), [0, NOTHING, '']);
    } finally {
      await kill(...processesWith(/sleep 1000/), engine.pid ?? 0);
    }
  });

  for (const call of ['createSandbox', 'createContainer'])
    it(`a create that is at ${call} is left alone while it runs, and undone when it was killed`, async () => {
      writeFileSync(rig.scratch.file('calls.hold'), call);
      const { child } = rig.start(['create', '--bundle', rig.scratch.file('bundle'), rig.id]);
      const exited = once(child, 'exit');
      await until(`the agent is at ${call}`, () => rig.calls().some((line) => line.startsWith(`${call} `)), 20_000);
      assert.deepEqual(await gc(), [0, NOTHING, '']);
      child.kill('SIGKILL');
      await exited;
      assert.deepEqual(await gc(), [0, `removed sandbox ${rig.id}: its create was interrupted\n`, '']);
      assert.deepEqual(leftovers(), []);
    });

  it('ends a QEMU that is not in the journal, because its create was killed just after the start', async () => {
    await create();
    await kill(shimPid());
    const journal = `/run/vc/sbs/${rig.id}/undo.jsonl`;
    const lines = readFileSync(journal, 'utf8').split('\n');
    writeFileSync(journal, lines.filter((line) => !line.includes('"qemu"')).join('\n'));
    for (const name of ['persist.json', rig.id]) rmSync(`/run/vc/sbs/${rig.id}/${name}`, { recursive: true });
    assert.deepEqual(await gc(), [0, `removed sandbox ${rig.id}: its create was interrupted\n`, '']);
    assert.deepEqual(leftovers(), []);
  });

  it('removes each part of a sandbox whose state is lost', async () => {
    await create();
    const qemu = qemuPid();
    await kill(...proxies(), shimPid()); // a real proxy ends with its QEMU
    rmSync(`/run/vc/sbs/${rig.id}`, { recursive: true });
    const [code, stdout, stderr] = await gc();
    assert.deepEqual([code, stderr], [0, '']);
    const share = `/run/kata-containers/shared/sandboxes/${rig.id}`;
    const lines = stdout.trimEnd().split('\n');
    const names = lines.map((line) => line.replace(/^removed (.*): its .* does not exist$/, '$1'));
    const [cgroups, others] = [names.filter((name) => name.startsWith('cgroup ')), names.filter((name) => !name.startsWith('cgroup '))];
    assert.deepEqual(others, [
      `QEMU (pid ${qemu}) of ${rig.id}`,
      `directory /run/vc/vm/${rig.id}`,
      `share ${share}`,
      `container ${rig.id}`,
    ]);
    assert.ok(cgroups.length > 0 && cgroups.every((name) => name.endsWith(`/kata_${rig.id}`)), stdout);
    // Only the lost journal named the owner of the namespaces.
    for (const name of readdirSync('/run/netns')) await run('ip', ['netns', 'delete', name]);
    assert.deepEqual(leftovers(), []);
  });

  it("never removes a share that is in use or has a user's file, and prints the reason", async () => {
    await create();
    await kill(qemuPid(), ...proxies(), shimPid());
    const share = `/run/kata-containers/shared/sandboxes/${rig.id}`;
    const [volume] = readdirSync(join(share, 'mounts')).filter((name) => name !== rig.id);
    const user = spawn('sleep', ['1000'], { cwd: join(share, 'mounts', volume ?? ''), stdio: 'ignore' });
    const [code, stdout] = await gc();
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`^could not remove sandbox ${rig.id}: QEMU .* has ended; .*EBUSY`));
    await kill(user.pid ?? 0);
    const kept = join(share, 'kept');
    writeFileSync(kept, 'mine');
    assert.equal((await gc())[0], 1);
    assert.equal(readFileSync(kept, 'latin1'), 'mine');
    rmSync(kept);
    assert.equal((await gc())[0], 0);
    assert.deepEqual(leftovers(), []);
  });

  it('keeps the directory of templates, whose tmpfs may be mounted in the mount namespace of an engine only', async () => {
    mkdirSync('/run/vc/vm/template', { recursive: true });
    try {
      assert.deepEqual(await gc(), [0, NOTHING, '']);
      assert.equal(existsSync('/run/vc/vm/template'), true);
    } finally {
      rmdirSync('/run/vc/vm/template');
    }
  });

  it('leaves a sandbox of another program unchanged', async () => {
    mkdirSync('/run/vc/sbs/go', { recursive: true });
    writeFileSync('/run/vc/sbs/go/persist.json', '{}');
    try {
      assert.deepEqual(await gc(), [0, NOTHING, '']);
    } finally {
      rmSync('/run/vc/sbs/go', { recursive: true });
    }
  });

  it('removes templates of a QEMU that has changed, and incomplete templates', async () => {
    rig.configure('enable_template', true);
    rig.configure('template_path', rig.scratch.file('templates'));
    assert.deepEqual(await rig.kata('factory', 'init').then(({ code, stderr }) => [code, stderr]), [0, '']);
    assert.deepEqual(await gc(), [0, NOTHING, '']);
    writeFileSync(rig.scratch.file('kernel'), 'another');
    mkdirSync(rig.scratch.file('templates/0123456789abcdef'));
    const [, stdout] = await gc();
    assert.match(stdout, /^removed template [0-9a-f]{16} \(\d+ MiB\): QEMU, kernel or image have changed since it was made$/m);
    assert.match(stdout, /^removed template 0123456789abcdef: the process that made it has ended before it was complete$/m);
    assert.equal((await rig.kata('factory', 'destroy')).code, 0);
  });

  it('removes everything except templates if the configuration is invalid', async () => {
    await create();
    await kill(qemuPid(), ...proxies(), shimPid());
    rig.configure('machine_type', 'z80');
    const [code, stdout, stderr] = await gc();
    assert.deepEqual([code, stdout.startsWith(`removed sandbox ${rig.id}: `)], [1, true]);
    assert.match(stderr, /^templates are not checked: .*machine_type/);
    assert.deepEqual(leftovers(), []);
  });
});

/** kata-runtime exec, whose shim starts while the guest starts the process; and with a shim of 1.x, which cannot wait for the process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf } from '../../packages/common/src/cgroups/cgroup.ts';
import { oomKillsFile } from '../../packages/common/src/cgroups/oom-kills.ts';
import { SHIM_STARTED, WAITING_SHIM } from '../../packages/common/src/command-lines/shim-command-line.ts';
import type { ShimDuties } from '../../packages/common/src/command-lines/shim-command-line.ts';
import { hasEnded, readProcess } from '../support/proc-files.ts';
import { SHIM } from '../support/process.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';

const shim = join(import.meta.dirname, '../../packages', SHIM);

const childrenOf = (pid: number | undefined): string[] =>
  readProcess(pid, `task/${pid}/children`)
    .split(' ')
    .filter((child) => child !== '');

describe('the start of the shim of an exec', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** The guest does not answer. @returns the runtime and its confined shim */
  async function holdExec(): Promise<{ exec: ReturnType<RuntimeRig['start']>; pid: string }> {
    rig.prepare();
    assert.equal((await rig.create()).code, 0);
    await rig.kata('start', rig.id);
    const configuration = rig.scratch.file('c.toml');
    writeFileSync(configuration, readFileSync(configuration, 'utf8').replaceAll(rig.scratch.file('kata-shim'), shim));
    writeFileSync(rig.scratch.file('calls.hold'), 'execProcess');
    const exec = rig.start(['exec', '--detach', '--pid-file', rig.scratch.file('exec-pid'), rig.id, 'true']);
    const confined = (): string | undefined => childrenOf(exec.child.pid).find((pid) => /^Uid:\s+1879/m.test(readProcess(pid, 'status')));
    await until('the shim is confined', () => confined() !== undefined);
    await until('the guest is called', () => rig.lastRequest('execProcess') !== undefined);
    return { exec, pid: confined() ?? '' };
  }

  it("a process that the guest refuses: the error is the guest's, and the shim has ended", async () => {
    const { exec, pid } = await holdExec();
    writeFileSync(rig.scratch.file('calls.refuses'), 'execProcess');
    rmSync(rig.scratch.file('calls.hold'));
    const [code] = (await once(exec.child, 'exit')) as [number];
    assert.deepEqual([code, exec.output().stderr], [1, 'the guest says no\n']);
    assert.equal(readProcess(pid, 'stat'), '');
    assert.equal(existsSync(rig.scratch.file('exec-pid')), false);
    assert.ok(!rig.calls().some((call) => /^(read|write|wait|signal)/.test(call)));
  });

  it('kata-runtime is killed meanwhile: the shim ends', async () => {
    const { exec, pid } = await holdExec();
    exec.child.kill('SIGKILL');
    await until('the shim has ended', () => hasEnded(Number(pid)));
    rmSync(rig.scratch.file('calls.hold'));
    assert.ok(!rig.calls().some((call) => /^(read|write|wait|signal)/.test(call)));
  });

  it("the shim gets the file with the number of OOM kills in QEMU's cgroup", async () => {
    const log = rig.scratch.file('calls');
    rig.prepare({
      shim: `# ${WAITING_SHIM}\necho "shim=$KATA_SHIM_DUTIES" >>${log}; printf ${SHIM_STARTED} >&3; exec 3>&-; exec sleep 1000`,
    });
    assert.equal((await rig.create()).code, 0);
    await rig.kata('start', rig.id);
    assert.equal((await rig.kata('exec', '--detach', rig.id, 'true')).code, 0);
    const state = readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8');
    const { HypervisorState } = JSON.parse(state) as { HypervisorState: { Process: { pid: number } } };
    const lines = rig.calls().filter((call) => call.startsWith('shim='));
    const files = lines.map((line) => (JSON.parse(line.slice('shim='.length)) as ShimDuties).oomKills);
    const expected = oomKillsFile(cgroupOf(HypervisorState.Process.pid));
    assert.deepEqual(files, [expected, expected]);
  });

  it('a shim of 1.x starts after its process, gets no pipe of ours, and delays no command', async () => {
    const log = rig.scratch.file('calls');
    rig.prepare({ shim: `echo "shim=$KATA_SHIM_DUTIES" >>${log}; exec sleep 1000` });
    assert.equal((await rig.create()).code, 0);
    await rig.kata('start', rig.id);
    assert.equal((await rig.kata('exec', '--detach', rig.id, 'true')).code, 0);
    const shims = (): string[] => rig.calls().filter((call) => call.startsWith('shim='));
    await until('both shims have started', () => shims().length === 2);
    for (const line of shims()) {
      const duties = JSON.parse(line.slice('shim='.length) || '{}') as Readonly<Record<string, unknown>>;
      assert.deepEqual([duties['report'], duties['begin']], [undefined, undefined]);
    }
    const names = rig.calls().map((call) => call.split(/[ =]/, 1)[0]);
    assert.ok(names.indexOf('execProcess') < names.lastIndexOf('shim'), names.join());
  });
});

/** Verbs on a running container: their output, their calls to the agent, and their errors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ContainerRecord, SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';

const SILENT = { code: 0, stdout: '', stderr: '' };
const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
const refused = (text: string): object => ({ code: 1, stdout: '', stderr: `${text}\n` });

describe('kata-runtime on a running container', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;

  async function running(modes?: Modes, change?: Parameters<RuntimeRig['changeSpec']>[0]): Promise<void> {
    rig.prepare(modes);
    if (change) rig.changeSpec(change);
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
  }
  const shimPid = (): number => Number(readFileSync(rig.scratch.file('pid'), 'latin1'));

  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  it('pause and resume call the guest, change the state, and fail the second time', async () => {
    await running();
    const { id } = rig;
    assert.deepEqual(quiet(await rig.kata('resume', id)), refused('Container not paused, impossible to resume'));
    assert.deepEqual(quiet(await rig.kata('pause', id)), SILENT);
    assert.equal(await rig.status(), 'paused');
    assert.match((await rig.kata('list')).stdout, new RegExp(`^${id} +${shimPid()} +paused `, 'm'));
    assert.deepEqual(quiet(await rig.kata('pause', id)), refused('Container not running, impossible to pause'));
    assert.deepEqual(quiet(await rig.kata('start', id)), refused('Can not move from paused to running'));
    assert.deepEqual(
      quiet(await rig.kata('exec', id, 'true')),
      refused(`Container ${id} is paused: 'kata-runtime resume ${id}' resumes the container`),
    );
    assert.deepEqual(quiet(await rig.kata('resume', id)), SILENT);
    assert.equal(await rig.status(), 'running');
    assert.deepEqual(rig.lastRequest('pauseContainer'), { container_id: id });
    assert.deepEqual(rig.lastRequest('resumeContainer'), { container_id: id });
  });

  it('the container stays running if the guest fails to pause it', async () => {
    await running({ refuses: 'pauseContainer' });
    assert.deepEqual(quiet(await rig.kata('pause', rig.id)), refused('the guest says no'));
    assert.equal(await rig.status(), 'running');
  });

  it('a signal thaws a paused container', async () => {
    await running();
    await rig.kata('pause', rig.id);
    assert.deepEqual(quiet(await rig.kata('kill', rig.id, 'HUP')), SILENT);
    assert.equal(await rig.status(), 'running');
  });

  for (const [args, UID, GID, AdditionalGids] of [
    [[], 7, 8, [9]],
    [['-u', '5'], 5, 8, [9]],
    [['-u', '5:6'], 5, 6, [9]],
    [['-g', '44', '--additional-gids', '45'], 7, 8, [9, 44, 45]],
  ] as const)
    it(`exec ${args.join(' ')}: as in runc, what is not given is the container's`, async () => {
      await running({}, (spec) => Object.assign(spec.process, { user: { uid: 7, gid: 8, additionalGids: [9], umask: 0o77 } }));
      await rig.kata('exec', '--detach', ...args, rig.id, 'true');
      const request = rig.lastRequest('execProcess') as { process: { User: object } };
      assert.deepEqual(request.process.User, { UID, GID, AdditionalGids, Username: '', Umask: [0o77] });
    });

  const execs: [name: string, args: string[], reason: RegExp][] = [
    ['the pid file cannot be written', ['--pid-file', '/nonexistent/pid'], /^pid file \/nonexistent\/pid cannot be written \(ENOENT\)\n$/],
    ['no receiver for the pidfd', ['--pidfd-socket', '/nonexistent/pidfd'], /ENOENT/],
    ['the shim cannot be run', [], /kata-shim cannot be run/],
  ];
  for (const [name, args, reason] of execs)
    it(`an exec that fails after its process has started is killed in the guest: ${name}`, async () => {
      await running();
      if (args.length === 0) writeFileSync(rig.scratch.file('kata-shim'), '#!/nonexistent/interpreter\n');
      const { code, stdout, stderr } = await rig.kata('exec', '--detach', ...args, rig.id, 'true');
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, reason);
      const begun = rig.lastRequest('execProcess') as { exec_id: string };
      assert.deepEqual(rig.lastRequest('signalProcess'), { container_id: rig.id, exec_id: begun.exec_id, signal: 9 });
    });

  it('an exec without a receiver for its terminal does not start', async () => {
    await running();
    const { code } = await rig.kata('exec', '--tty', '--console-socket', '/nonexistent/console', rig.id, 'true');
    assert.deepEqual([code, rig.lastRequest('execProcess')], [1, undefined]);
  });

  it("ps: the guest's table, with the caller's arguments; as JSON the pid of the container's shim", async () => {
    await running();
    const { id } = rig;
    assert.equal((await rig.kata('ps', id)).stdout, 'PID -ef\n71 sh\n');
    assert.equal((await rig.kata('ps', '--format', 'table', id, '-o', 'pid,comm', '--format')).stdout, 'PID -o pid,comm --format\n71 sh\n');
    assert.equal((await rig.kata('ps', '--format', 'json', id)).stdout, `[${shimPid()}]`);
    assert.equal((await rig.kata('ps', '--format', 'json', '--kata-guest-pids', id)).stdout, '[71,72]');
    assert.deepEqual(quiet(await rig.kata('ps', '--format', 'xml', id)), refused('invalid format option'));
  });

  it('events --stats: one object on one line', async () => {
    await running();
    const { code, stdout, stderr } = await rig.kata('events', '--stats', rig.id);
    assert.deepEqual([code, stderr], [0, '']);
    const entry = '{"limit":0,"failcnt":0}';
    assert.equal(
      stdout,
      `{"type":"stats","id":"${rig.id}","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},` +
        `"memory":{"usage":{"limit":18446744073709551615,"usage":4096,"failcnt":0},"swap":${entry},"kernel":${entry},"kernelTCP":${entry}},` +
        '"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{}}}\n',
    );
  });

  it('events prints statistics and OOM events until the container ends', async () => {
    await running();
    const { child, output } = rig.start(['events', '--interval', '50ms', rig.id]);
    const exited = once(child, 'exit');
    const types = (): string[] =>
      output()
        .stdout.split('\n')
        .flatMap((line) => /^\{"type":"(\w+)"/.exec(line)?.[1] ?? []);
    await until('two statistics', () => types().filter((type) => type === 'stats').length >= 2);
    assert.ok(output().stdout.includes(`{"type":"oom","id":"${rig.id}"}\n`), output().stdout);
    process.kill(shimPid(), 'SIGKILL');
    assert.deepEqual([await exited, output().stderr], [[0, null], '']);
  });

  describe('a hostile guest', () => {
    beforeEach(async () => {
      await running();
      writeFileSync(rig.scratch.file('calls.hostile'), '');
    });
    it('ps prints no terminal escape sequences and only valid pids', async () => {
      assert.equal((await rig.kata('ps', rig.id)).stdout, 'PID\n71 ?]0;pwned??sh\n');
      assert.deepEqual(
        quiet(await rig.kata('ps', '--format', 'json', '--kata-guest-pids', rig.id)),
        refused("the agent's answer to listProcesses is not a list of pids"),
      );
    });
    it("events --stats: one line of JSON with the guest's statistics", async () => {
      const { stdout } = await rig.kata('events', '--stats', rig.id);
      assert.match(stdout, /^[ -~]*\n$/);
      assert.ok(stdout.includes('"total":18446744073709551615,"percpu":[18446744073709551615]'), stdout);
      const { data } = JSON.parse(stdout) as { data: { memory: { raw: object }; blkio: { ioServicedRecursive: { op: string }[] } } };
      assert.deepEqual([Object.keys(data.memory.raw), data.blkio.ioServicedRecursive[0]?.op], [['\x001\x00'], '\x9b2J\x7f\u2028']);
    });
    it('events: unknown containers are ignored', async () => {
      const { child, output } = rig.start(['events', '--interval', '200ms', rig.id]);
      const exited = once(child, 'exit');
      await until('statistics', () => output().stdout.split('"type":"stats"').length > 3);
      child.kill('SIGKILL');
      await exited;
      assert.doesNotMatch(output().stdout, /oom/);
      assert.ok(rig.calls().filter((line) => line.startsWith('getOOMEvent')).length < 100);
    });
    it('kata-network: names are sanitized, and lists are bounded', async () => {
      const { stdout } = await rig.kata('kata-network', 'list-ifaces', rig.id);
      assert.match(stdout, /^\[\{"Device":"\\u009b2J\\u202e",[ -~]*\n$/);
      assert.match(
        (await rig.kata('kata-network', 'list-routes', rig.id)).stderr,
        /^the response of 800000 bytes is too long \(limit 524288\)\n$/,
      );
    });
  });

  it('events ends when its reader has closed the pipe', async () => {
    await running();
    const args = [RUNTIME, 'events', '--interval', '50ms', rig.id].join(' ');
    const { stdout, stderr } = await run('sh', ['-c', `${args} | head -n 1`], { timeoutMs: 20_000 });
    assert.match(stdout, /^{"type":"(stats|oom)".*\n$/);
    assert.equal(stderr, '');
  });

  it('events with an interval above the longest timer waits and does not flood', async () => {
    await running();
    const { child, output } = rig.start(['events', '--interval', '1000h', rig.id]);
    const exited = once(child, 'exit');
    await until('the event', () => output().stdout.includes('"type":"oom"'));
    assert.match((await rig.kata('events', '--stats', rig.id)).stdout, /^{"type":"stats"/); // the second statistics take a while
    child.kill('SIGKILL');
    await exited;
    assert.equal(output().stdout, `{"type":"oom","id":"${rig.id}"}\n`);
  });

  const intervals: [word: string, text: string][] = [
    ['0s', 'duration interval must be greater than 0'],
    ['-1s', 'duration interval must be greater than 0'],
    ['soon', '--interval must be a time such as 5s, not "soon"'],
  ];
  for (const [word, text] of intervals)
    it(`events --interval ${word} is refused`, async () =>
      assert.deepEqual(quiet(await rig.kata('events', '--interval', word, 'any')), refused(text)));

  const none = { Limit: '0', Reservation: '0', Swap: '0', Kernel: '0', KernelTCP: '0', Swappiness: '0', DisableOOMKiller: false };
  const noCpu = { Shares: '0', Quota: '0', Period: '0', RealtimeRuntime: '0', RealtimePeriod: '0', Cpus: '', Mems: '' };
  const updates: [name: string, args: string[], input: string, resources: object][] = [
    [
      'by options',
      ['--memory', '64m', '-cpu-quota=50000', '--memory-swap', '-1', '--pids-limit', '20', '--cpuset-cpus', '7'],
      '',
      { Memory: { ...none, Limit: '67108864', Swap: '-1' }, CPU: { ...noCpu, Quota: '50000' }, Pids: { Limit: '20' } },
    ],
    ['without options', [], '', { Memory: none, CPU: noCpu, Pids: { Limit: '0' } }],
    [
      'by JSON on standard input, as containerd does',
      ['--resources=-', '--memory', '1m'],
      '{"memory":{"limit":9223372036854771712},"cpu":{"shares":512,"cpus":"0-3"}}',
      { Memory: { ...none, Limit: '9223372036854771712' }, CPU: { ...noCpu, Shares: '512' } },
    ],
    ['by JSON on standard input, as CRI-O does', ['--resources', '-'], '{"pids":{"limit":9}}', { Pids: { Limit: '9' } }],
  ];
  for (const [name, args, input, resources] of updates) {
    it(`update ${name}`, async () => {
      await running();
      const { child, output } = rig.start(['update', ...args, rig.id], input);
      assert.deepEqual([await once(child, 'exit'), output().stdout, output().stderr], [[0, null], '', '']);
      const request = rig.lastRequest('updateContainer') as { container_id: string; resources: Record<string, unknown> };
      assert.equal(request.container_id, rig.id);
      for (const part of ['Memory', 'CPU', 'Pids', 'BlockIO'])
        assert.deepEqual(request.resources[part], (resources as Record<string, unknown>)[part], part);
    });
  }

  it('update reads limits of a created container from a file; an invalid file changes nothing', async () => {
    rig.prepare();
    await rig.create();
    writeFileSync(rig.scratch.file('r.json'), '{"memory":{"limit":1}}');
    assert.deepEqual(quiet(await rig.kata('update', '-r', rig.scratch.file('r.json'), rig.id)), SILENT);
    const before = rig.calls().length;
    assert.match((await rig.kata('update', '-r', rig.scratch.file('none'), rig.id)).stderr, /none cannot be read \(ENOENT\)/);
    assert.match((await rig.kata('update', '--memory', 'x', rig.id)).stderr, /^invalid value for memory: invalid size: 'x'$/m);
    assert.equal(rig.calls().length, before);
  });

  it('verbs on a stopped container fail', async () => {
    rig.prepare();
    await rig.create();
    const { id } = rig;
    assert.deepEqual(quiet(await rig.kata('ps', id)), refused(`Container ${id} is not running`));
    assert.deepEqual(quiet(await rig.kata('events', '--stats', id)), refused(`container with id ${id} is not running`));
    process.kill(shimPid(), 'SIGKILL');
    assert.deepEqual(
      quiet(await rig.kata('update', '--memory', '1m', id)),
      refused(`Container ${id} is not running or Ready, the state is stopped`),
    );
    for (const args of [['pause'], ['resume'], ['ps'], ['events'], ['update']])
      assert.deepEqual(quiet(await rig.kata(...args, 'nobody')), refused('Container ID (nobody) does not exist'));
  });

  it('delete --force ends within ten seconds if the guest does not answer', async () => {
    await running();
    const { AgentState, HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
    for (const { pid } of [AgentState.Proxy, HypervisorState.Process]) process.kill(pid, 'SIGSTOP');
    const before = performance.now();
    assert.deepEqual(quiet(await rig.kata('delete', '--force', rig.id)), SILENT);
    assert.ok(performance.now() - before < 10_000);
    assert.deepEqual(leftovers(), []);
  });

  for (const [verb, args, call] of [
    ['update', ['update', '--pids-limit', '9'], 'updateContainer'],
    ['pause', ['pause'], 'pauseContainer'],
  ] as const) {
    it(`a container that is deleted during ${verb} does not reappear`, async () => {
      await running();
      writeFileSync(rig.scratch.file('calls.hold'), call);
      const { child } = rig.start([...args, rig.id]);
      const ended = once(child, 'exit');
      await until('the guest is asked', () => rig.calls().some((line) => line.startsWith(call)));
      assert.deepEqual(quiet(await rig.kata('delete', '--force', rig.id)), SILENT);
      rmSync(rig.scratch.file('calls.hold'));
      await ended;
      assert.deepEqual(leftovers(), []);
    });
  }

  it('limits that are changed while the container is paused are kept', async () => {
    await running();
    const limits = (): unknown =>
      (JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/${rig.id}/persist.json`, 'utf8')) as ContainerRecord).Limits;
    const before = limits();
    writeFileSync(rig.scratch.file('calls.hold'), 'pauseContainer');
    const ended = once(rig.start(['pause', rig.id]).child, 'exit');
    await until('the guest is asked', () => rig.calls().some((line) => line.startsWith('pauseContainer')));
    assert.deepEqual(quiet(await rig.kata('update', '--cpu-quota', '50000', '--cpu-period', '100000', rig.id)), SILENT);
    const changed = limits();
    assert.notDeepEqual(changed, before);
    rmSync(rig.scratch.file('calls.hold'));
    await ended;
    assert.deepEqual([limits(), await rig.status()], [changed, 'paused']);
  });
});

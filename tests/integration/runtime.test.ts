/** kata-runtime with fakes of QEMU, proxy, agent and shim: every verb, and a failure of each step. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:os';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';
import { until } from '../support/until.ts';
import type { Scratch } from '../support/process.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';

describe('kata-runtime', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let scratch: Scratch;
  let id = '';

  beforeEach(() => {
    rig = new RuntimeRig();
    ({ scratch, id } = rig);
  });
  afterEach(() => rig.close());

  const prepare = (modes?: Modes): void => rig.prepare(modes);
  const kata = (...args: string[]): Promise<Outcome> => rig.kata(...args);
  const create = (): Promise<Outcome> => rig.create();
  const calls = (): string[] => rig.calls();
  const status = (): Promise<unknown> => rig.status();

  it('create, start, kill and delete set the states, call the agent, write the pid file and print nothing', async () => {
    prepare();
    const silent = { code: 0, stdout: '', stderr: '' };
    const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
    assert.deepEqual(quiet(await create()), silent);
    assert.equal(await status(), 'created');
    const pid = Number(readFileSync(scratch.file('pid'), 'latin1'));
    assert.ok(process.kill(pid, 0));
    assert.deepEqual(quiet(await kata('start', id)), silent);
    assert.equal(await status(), 'running');
    assert.match((await kata('start', id)).stderr, /Can not move from running to running/);
    assert.match((await kata('list', '-q')).stdout, new RegExp(`^${id}$`, 'm'));
    assert.match((await kata('delete', id)).stderr, /Container still running, should be stopped: .kata-runtime delete --force \S+ ends it/);
    assert.deepEqual(quiet(await kata('kill', id, 'HUP')), silent);
    process.kill(pid, 'SIGKILL'); // what the shim does when its process has ended
    assert.equal(await status(), 'stopped');
    assert.match((await kata('kill', id, 'TERM')).stderr, /^container not running\n$/);
    assert.deepEqual(quiet(await kata('delete', id)), silent);
    assert.match((await kata('state', id)).stderr, /does not exist/);
    const names = calls().map((line) => line.split(' ')[0]);
    assert.deepEqual(names, [
      ...['check', 'createSandbox', 'createContainer', 'getGuestDetails', 'onlineCPUMem'],
      ...['startContainer', 'signalProcess', 'destroySandbox'],
    ]);
    const container = calls().find((line) => line.startsWith('createContainer')) ?? '';
    assert.match(container, /"Hard":"18446744073709551615"/);
    assert.match(container, /"Limit":"1048576"/);
    assert.match(container, new RegExp(`"source":"/run/kata-containers/shared/containers/${id}-[0-9a-f]{16}/volume"`));
    assert.equal(readFileSync(scratch.file('volume/kept'), 'utf8'), 'data');
  });

  it('annotations change the VM only if they are enabled', async () => {
    const annotation = 'io.katacontainers.config.hypervisor.kernel_params';
    prepare();
    const file = scratch.file('bundle/config.json');
    const spec = readFileSync(file, 'utf8');
    writeFileSync(file, spec.replace('{', `{"annotations":{"${annotation}":"from=annotation"},`));
    assert.match(
      (await create()).stderr,
      new RegExp(`^annotation ${annotation} is not enabled: no pattern of enable_annotations in .* matches kernel_params\n$`),
    );
    mkdirSync(scratch.file('config.d'));
    writeFileSync(scratch.file('config.d/annotations.toml'), '[hypervisor.qemu]\nenable_annotations = ["^kernel_params$"]\n');
    assert.deepEqual(await create().then(({ code, stderr }) => [code, stderr]), [0, '']);
    const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as SandboxState;
    assert.match(readFileSync(`/proc/${HypervisorState.Process.pid}/cmdline`, 'latin1'), / from=annotation\0/);
  });

  it('an id that is in use is refused, and its container continues to run', async () => {
    prepare();
    await create();
    const { code, stderr } = await create();
    assert.equal(code, 1);
    assert.match(stderr, /ID already in use, unique ID should be provided/);
    assert.equal(await status(), 'created');
  });

  const failures: [name: string, modes: Modes, reason: RegExp][] = [
    ['QEMU exits at its start', { qemu: 'dies' }, /QEMU \(\S+\) ended at its start.*could not load kernel: it is not one/],
    ['QEMU uses a denied system call', { qemu: 'denied' }, /QEMU \(\S+\) ended at its start \(SIGSYS\).*filter denies the system call/],
    ['QEMU crashes while the guest boots', { qemu: 'crashes' }, /QEMU .*ended|guest did not start/],
    ['the agent refuses CreateSandbox', { refuses: 'createSandbox' }, /^the guest says no$/m],
    ['the agent refuses CreateContainer', { refuses: 'createContainer' }, /^the guest says no$/m],
    ['the agent answers Check with an error', { refuses: 'check' }, /the guest says no/],
  ];
  for (const [name, modes, reason] of failures) {
    it(`${name}: create fails with this error, and nothing is left behind`, async () => {
      prepare(modes);
      const { code, stdout, stderr } = await create();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, reason);
      assert.deepEqual(leftovers(), []);
      assert.match((await kata('state', id)).stderr, /does not exist/);
    });
  }

  it('if StartContainer fails, the container stays created and can be deleted', async () => {
    prepare({ refuses: 'startContainer' });
    await create();
    const { code, stderr } = await kata('start', id);
    assert.deepEqual([code, stderr], [1, 'the guest says no\n']);
    assert.equal(await status(), 'created');
    assert.equal((await kata('delete', '--force', id)).code, 0);
  });

  it('later changes of config.json do not change a container', async () => {
    prepare();
    const note = scratch.file('notes');
    const hook = (name: string): object => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${name} >> ${note}`] });
    rig.changeSpec((spec) => Object.assign(spec, { hooks: { poststart: [hook('started')], poststop: [hook('stopped')] } }));
    await create();
    const config = scratch.file('bundle/config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll('echo ', 'echo changed '));
    assert.deepEqual(await kata('start', id).then(({ code, stderr }) => [code, stderr]), [0, '']);
    rmSync(config);
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.equal(readFileSync(note, 'utf8'), 'started\nstopped\n');
    assert.deepEqual(leftovers(), []);
  });

  const failing = [
    { path: '/bin/sh', args: ['sh', '-c', 'exit 3'] },
    { path: '/bin/sh', args: ['sh', '-c', 'echo 2 >> "$1"', 'sh'] },
  ];
  it('a poststart hook that fails is a warning up to version 1.1 of the specification', async () => {
    prepare();
    const note = scratch.file('notes');
    const [first, second] = failing;
    const hooks = { poststart: [first, { ...second, args: [...(second?.args ?? []), note] }] };
    rig.changeSpec((spec) => Object.assign(spec, { ociVersion: '1.1.0', hooks }));
    await create();
    assert.deepEqual(await kata('start', id).then(({ code, stderr }) => [code, stderr]), [0, '']);
    assert.equal(readFileSync(note, 'utf8'), '2\n');
    assert.equal(await status(), 'running');
  });

  it('from version 1.2 on a poststart hook that fails fails start, and the container is removed', async () => {
    prepare();
    const note = scratch.file('notes');
    const poststop = [{ path: '/bin/sh', args: ['sh', '-c', `echo stopped >> ${note}`] }];
    rig.changeSpec((spec) => Object.assign(spec, { ociVersion: '1.2.0', hooks: { poststart: failing, poststop } }));
    await create();
    const { code, stderr } = await kata('start', id);
    assert.equal(code, 1);
    assert.match(stderr, /^hook \/bin\/sh: exit code 3/);
    assert.equal(readFileSync(note, 'utf8'), 'stopped\n');
    assert.deepEqual(leftovers(), []);
  });

  it('list shows a container whose root file system is missing, and delete removes it', async () => {
    prepare();
    await create();
    const bundle = scratch.file('bundle');
    renameSync(`${bundle}/rootfs`, `${bundle}/gone`);
    const listed = await kata('list');
    renameSync(`${bundle}/gone`, `${bundle}/rootfs`);
    assert.equal(listed.code, 0);
    assert.match(listed.stdout, new RegExp(`^${id} +\\d+ +created +\\S+ +\\S+ +- *$`, 'm'));
    assert.equal(listed.stderr, `WARNING: container ${id}: ${bundle}/rootfs is missing\n`);
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), []);
  });

  it('delete --force accepts damaged and incomplete states', async () => {
    prepare();
    await create();
    writeFileSync(`/run/vc/sbs/${id}/persist.json`, 'not JSON');
    writeFileSync(`/run/vc/sbs/${id}/${id}/persist.json`, '{');
    assert.match((await kata('delete', id)).stderr, /is damaged/);
    const listed = await kata('list');
    assert.deepEqual([listed.code, listed.stdout.split('\n').length], [0, 2]);
    assert.match(listed.stderr, new RegExp(`^WARNING: failed to get container ${id}: state file [^\\n]* is damaged`));
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), []);
    assert.equal((await kata('delete', '--force', id)).code, 0);
  });

  /** Kinds of damage to a sandbox's files, and what may be left after its deletion. */
  const losses: [name: string, lose: (state: string) => void, left?: RegExp][] = [
    ['the state directory is missing', (state) => rmSync(state, { recursive: true }), /^(?!.*(mapping|sbs))/],
    [
      'a file is in place of the state directory',
      (state) => (rmSync(state, { recursive: true }), writeFileSync(state, 'x')),
      /^(?!.*(mapping|sbs))/,
    ],
    ['the state is valid JSON but not a state', (state) => writeFileSync(`${state}/persist.json`, '{"PersistVersion":2}')],
    ['the state is null', (state) => writeFileSync(`${state}/persist.json`, 'null')],
    ['the state is a directory', (state) => (rmSync(`${state}/persist.json`), mkdirSync(`${state}/persist.json/x`, { recursive: true }))],
    ['the record is valid JSON but not a record', (state) => writeFileSync(`${state}/${id}/persist.json`, '[1]')],
    [
      'the journal has invalid lines',
      (state) =>
        appendFileSync(`${state}/undo.jsonl`, '{"undo":"rmdir"}\nnull\n7\n{"undo":"kill","process":{}}\n{"undo":"remove-cgroup"}\n{"un'),
    ],
    ['the configuration is invalid', () => writeFileSync(scratch.file('c.toml'), '[hypervisor.qemu\n')],
    ['the configuration is missing', () => rmSync(scratch.file('c.toml'))],
  ];
  for (const [name, lose, left = /^$/] of losses)
    it(`delete --force ends with 0, and the id is free: ${name}`, async () => {
      prepare();
      await create();
      const state = `/run/vc/sbs/${id}`;
      const journal = readFileSync(`${state}/undo.jsonl`, 'utf8');
      lose(state);
      const begun = performance.now();
      const { code, stdout, stderr } = await kata('delete', '--force', id);
      assert.deepEqual([code, stdout, stderr], [0, '', '']);
      assert.ok(performance.now() - begun < 10_000);
      for (const line of leftovers()) assert.match(line, left);
      if (left.source === '^$') return;
      // Without the journal the changes are unknown: the test undoes them by the entries that the journal had.
      mkdirSync(state);
      writeFileSync(`${state}/undo.jsonl`, journal);
      assert.equal((await kata('delete', '--force', id)).code, 0);
    });

  it('kill works without the configuration', async () => {
    prepare();
    await create();
    rmSync(scratch.file('c.toml'));
    assert.deepEqual(await kata('kill', id, 'KILL').then(({ code, stderr }) => [code, stderr]), [0, '']);
  });

  it('delete --force cleans up a create that was killed', async () => {
    prepare({ qemu: 'silent' });
    await run('timeout', [
      '-s',
      'KILL',
      '2',
      RUNTIME,
      '--kata-config',
      scratch.file('c.toml'),
      'create',
      '--bundle',
      scratch.file('bundle'),
      id,
    ]);
    assert.notDeepEqual(leftovers(), []);
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), []);
  });

  it('of two concurrent creates with one id one succeeds', async () => {
    prepare();
    const codes = (await Promise.all([create(), create()])).map(({ code }) => code);
    assert.deepEqual(codes.toSorted(), [0, 1]);
    assert.equal(await status(), 'created');
  });

  it('three concurrent deletes of one container and a kill succeed, and leave nothing behind', async () => {
    prepare();
    await create();
    const outcomes = await Promise.all([
      kata('delete', '-f', id),
      kata('delete', '-f', id),
      kata('kill', id, 'KILL'),
      kata('delete', '-f', id),
    ]);
    const [first, second, killed, third] = outcomes;
    assert.deepEqual([first, second, third].map((outcome) => [outcome?.code, outcome?.stderr]), [[0, ''], [0, ''], [0, '']]); // prettier-ignore
    if (killed?.code !== 0) assert.match(killed?.stderr ?? '', /^(container not running|Container ID \(.*\) does not exist)\n$/);
    assert.deepEqual(leftovers(), []);
  });

  it('run forwards signals, does not start the process if a signal arrived before, and removes the container afterwards', async () => {
    for (const isEarly of [true, false]) {
      prepare({ shim: 'trap "exit 7" TERM; while :; do sleep 0.05; done' });
      const { child, output } = rig.start(['run', '--bundle', scratch.file('bundle'), id]);
      const ended = once(child, 'exit');
      const hasStarted = (): boolean => calls().some((line) => line.startsWith('startContainer'));
      await until('it begins', isEarly ? () => existsSync(`/run/vc/sbs/${id}`) : hasStarted);
      child.kill('SIGTERM');
      assert.deepEqual([await ended, output().stderr], [[isEarly ? 128 + constants.signals.SIGTERM : 7, null], '']);
      assert.deepEqual([hasStarted(), leftovers()], [!isEarly, []]);
    }
  });

  it('exec starts a shim in the same way and exits with its exit code', async () => {
    prepare({ shim: 'case "$*" in *-exec-id\\ it-*) exec sleep 1000;; esac; exit 6' });
    await create();
    await kata('start', id);
    const { code } = await kata('exec', '--env', 'B=2', id, 'echo', '-n', 'x');
    assert.equal(code, 6);
    const request = calls().find((line) => line.startsWith('execProcess')) ?? '';
    assert.match(request, /"Args":\["echo","-n","x"\],"Env":\["A=1","B=2"\]/);
  });
});

/** Further containers of a pod, with fakes of QEMU, proxy, agent and shim: created, failed, killed during create, removed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftovers } from '../support/leftovers.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';

interface Mount {
  readonly destination: string;
  readonly source: string;
  readonly type: string;
}

describe("a pod's containers", function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let before: string[];
  beforeEach(async () => {
    rig = new RuntimeRig();
    rig.prepare();
    assert.equal((await rig.create()).code, 0);
    before = leftovers();
  });
  afterEach(() => rig.close());

  const bind = (destination: string, source: string): Mount => ({ destination, source, type: 'bind' });

  /** Arguments that create a container of the pod. */
  function member(id: string, { mounts = [] as Mount[], namespaces = [] as object[], resources = {}, hooks = {} } = {}): string[] {
    const bundle = rig.scratch.file(`bundle-${id}`);
    mkdirSync(`${bundle}/rootfs`, { recursive: true });
    const spec = {
      ...(JSON.parse(readFileSync(rig.scratch.file('bundle/config.json'), 'utf8').replace('18446744073709551615', '0')) as object),
      annotations: { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': rig.id },
      mounts,
      hooks,
      linux: { cgroupsPath: `/${rig.id}-${id}`, namespaces, resources },
    };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
    return ['create', '--bundle', bundle, id];
  }
  for (const sandbox of ['../sbs/ID', './ID', '', 'x'.repeat(1024), 'ID\n'])
    it(`a sandbox named ${JSON.stringify(sandbox.slice(0, 20))} is refused`, async () => {
      const args = member('m');
      const config = rig.scratch.file('bundle-m/config.json');
      const text = readFileSync(config, 'utf8').replace(
        `sandbox-id":"${rig.id}"`,
        `sandbox-id":${JSON.stringify(sandbox.replace('ID', rig.id))}`,
      );
      writeFileSync(config, text);
      const { code, stderr } = await rig.kata(...args);
      assert.equal(code, 1);
      assert.match(stderr, /^(invalid container ID format: |container ID is too long|Missing container ID)/);
      assert.deepEqual(leftovers(), before);
    });

  /** The specification of podman. */
  function ofPodman(id: string, sandboxId: string): string[] {
    const args = member(id, { namespaces: [{ type: 'network' }] });
    const config = rig.scratch.file(`bundle-${id}/config.json`);
    const annotations = { 'io.kubernetes.cri-o.ContainerType': 'container', 'io.kubernetes.cri-o.SandboxID': sandboxId };
    const spec = JSON.parse(readFileSync(config, 'utf8')) as object;
    writeFileSync(config, JSON.stringify({ ...spec, annotations: { 'io.container.manager': 'libpod', ...annotations } }));
    return args;
  }

  it('podman: a container that names a pod without a sandbox gets its own VM, which others join', async () => {
    assert.deepEqual((await rig.kata(...ofPodman('alone', 'nobody'))).stderr, '');
    assert.deepEqual((await rig.kata(...ofPodman('m', 'alone'))).stderr, '');
    assert.deepEqual([existsSync('/run/vc/sbs/alone/m'), existsSync('/run/vc/sbs/nobody')], [true, false]);
    for (const id of ['m', 'alone']) assert.equal((await rig.kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), before);
  });

  it('CRI-O: the cgroup has exactly the name that CRI-O reads, contains the shim, and is removed', async () => {
    const args = member('m');
    const config = rig.scratch.file('bundle-m/config.json');
    const annotations = { 'io.kubernetes.cri-o.ContainerType': 'container', 'io.kubernetes.cri-o.SandboxID': rig.id };
    const spec = JSON.parse(readFileSync(config, 'utf8')) as object;
    writeFileSync(config, JSON.stringify({ ...spec, annotations: { 'io.container.manager': 'cri-o', ...annotations } }));
    assert.deepEqual((await rig.kata(...args)).stderr, '');
    const groups = ['cpu', 'memory', 'pids', 'devices'].map((controller) => `/sys/fs/cgroup/${controller}/${rig.id}-m`);
    const { pid } = JSON.parse((await rig.kata('state', 'm')).stdout) as { pid: number };
    for (const group of groups) assert.ok(readFileSync(`${group}/cgroup.procs`, 'latin1').split('\n').includes(String(pid)), group);
    assert.equal((await rig.kata('delete', '--force', 'm')).code, 0);
    assert.deepEqual(groups.filter(existsSync), []);
    assert.deepEqual(leftovers(), before);
  });

  it('a container cannot join a sandbox that does not exist', async () => {
    const args = member('m');
    const config = rig.scratch.file('bundle-m/config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace(`sandbox-id":"${rig.id}"`, 'sandbox-id":"nobody"'));
    const { code, stderr } = await rig.kata(...args);
    assert.deepEqual([code, stderr], [1, 'sandbox nobody, which the container is to join, does not exist\n']);
    assert.deepEqual(leftovers(), before);
  });

  const statusOf = async (id: string): Promise<unknown> => (JSON.parse((await rig.kata('state', id)).stdout) as { status: unknown }).status;

  it('the guest provides emptyDir volumes and the PID namespace; other volumes are shared', async () => {
    const volumes = rig.scratch.file('kubernetes.io~empty-dir');
    mkdirSync(`${volumes}/big`, { recursive: true });
    const args = member('m', {
      mounts: [bind('/big', `${volumes}/big`), bind('/v', rig.scratch.file('volume'))],
      namespaces: [{ type: 'pid', path: `/proc/${process.pid}/ns/pid` }],
    });
    assert.equal((await rig.kata(...args)).code, 0);
    const request = rig.lastRequest('createContainer') as {
      storages: { driver: string; mount_point: string }[];
      sandbox_pidns: boolean;
      OCI: { Mounts: Mount[] };
    };
    const share = '/run/kata-containers/shared/containers';
    const local = `${share}/${rig.id}/rootfs/local/big`;
    assert.deepEqual([request.storages.map((storage) => storage.mount_point), request.sandbox_pidns], [[local], true]);
    const [big, other] = request.OCI.Mounts;
    assert.equal(big?.source, local);
    assert.match(other?.source ?? '', new RegExp(`^${share}/m-[0-9a-f]{16}/volume$`));
    assert.equal((await rig.kata('delete', '--force', 'm')).code, 0);
    assert.deepEqual(leftovers(), before);
    assert.ok(existsSync(rig.scratch.file('volume/kept')));
  });

  // `run` is a part of every path that the sandbox has.
  for (const id of ['m', 'run', 'mounts'])
    it(`${id} is removed, and nothing of the pod or of other containers`, async () => {
      assert.equal((await rig.kata(...member('other', { mounts: [bind('/v', rig.scratch.file('volume'))] }))).code, 0);
      const others = leftovers();
      assert.equal((await rig.kata(...member(id))).code, 0);
      assert.notDeepEqual(leftovers(), others);
      assert.equal((await rig.kata('delete', '--force', id)).code, 0);
      assert.deepEqual(leftovers(), others);
      assert.deepEqual([await rig.status(), await statusOf('other')], ['created', 'created']);
    });

  it('a failed create leaves nothing behind, and its id can be used again', async () => {
    const resources = { memory: { limit: 2 ** 50 } };
    const { code, stderr } = await rig.kata(...member('m', { mounts: [bind('/v', rig.scratch.file('volume'))], resources }));
    assert.equal(code, 1);
    assert.match(stderr, /^Unable to hotplug [^\n]*\n$/);
    assert.deepEqual(leftovers(), before);
    assert.equal((await rig.kata(...member('m'))).code, 0);
  });

  it("the hooks run in the pod's network namespace; a failed hook undoes the create", async () => {
    const hook = (kind: string, end: string) => ({
      path: '/bin/sh',
      args: ['sh', '-c', `{ readlink /proc/self/ns/net; cat; } >${rig.scratch.file(kind)}; ${end}`],
    });
    const told = (kind: string): [netns: string, state: Record<string, unknown>] => {
      const [netns = '', state = ''] = readFileSync(rig.scratch.file(kind), 'utf8').split('\n');
      return [netns, JSON.parse(state) as Record<string, unknown>];
    };
    const early = { prestart: [hook('prestart', 'true')], createRuntime: [hook('createRuntime', 'true')] };
    const late = { poststart: [hook('poststart', 'true')], poststop: [hook('failing', 'exit 3'), hook('poststop', 'true')] };
    assert.equal((await rig.kata(...member('m', { hooks: { ...early, ...late } }))).code, 0);
    assert.equal((await rig.kata('start', 'm')).code, 0);
    assert.equal((await rig.kata('delete', '--force', 'm')).code, 0);
    const [netns] = told('prestart');
    assert.notEqual(netns, readlinkSync('/proc/self/ns/net'));
    for (const [kind, status] of Object.entries({
      prestart: 'creating',
      createRuntime: 'creating',
      poststart: 'running',
      poststop: 'stopped',
    })) {
      const [where, state] = told(kind);
      assert.deepEqual([state['id'], state['status'], state['bundle']], ['m', status, rig.scratch.file('bundle-m')]);
      assert.equal((state['annotations'] as Record<string, unknown>)['io.kubernetes.cri.sandbox-id'], rig.id);
      if (kind !== 'poststop') assert.equal(where, netns);
    }
    const { code, stderr } = await rig.kata(...member('n', { hooks: { createRuntime: [hook('createRuntime', 'echo why >&2; exit 3')] } }));
    assert.deepEqual([code, stderr], [1, 'hook /bin/sh: exit code 3: stdout: , stderr: why\n']);
    assert.deepEqual(leftovers(), before);
  });

  it('delete --force ends within ten seconds when the guest does not answer, and the pod continues to run', async () => {
    assert.equal((await rig.kata(...member('m', { mounts: [bind('/v', rig.scratch.file('volume'))] }))).code, 0);
    writeFileSync(rig.scratch.file('calls.hold'), 'removeContainer');
    const begun = performance.now();
    const { code, stderr } = await rig.kata('delete', '--force', 'm');
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(performance.now() - begun < 10_000);
    assert.deepEqual(leftovers(), before);
    rmSync(rig.scratch.file('calls.hold'));
    assert.equal(await rig.status(), 'created');
  });

  it('of two concurrent creates with one id one succeeds, and the other one removes nothing of it', async () => {
    const args = member('m');
    const outcomes = await Promise.all([rig.kata(...args), rig.kata(...args)]);
    assert.deepEqual(outcomes.map(({ code }) => code).toSorted(), [0, 1]);
    assert.match(outcomes.map(({ stderr }) => stderr).join(''), /^[^\n]*m[^\n]* already in use[^\n]*\n$/);
    assert.equal(await statusOf('m'), 'created');
    assert.ok(!rig.calls().some((call) => call.startsWith('removeContainer ')));
  });

  it('a killed create is cleaned up by delete --force, and the pod continues to run', async () => {
    const { AgentState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
    process.kill(AgentState.Proxy.pid, 'SIGSTOP');
    try {
      const { child } = rig.start(member('m'));
      const ended = once(child, 'exit');
      await until('the create', () => leftovers().length > before.length);
      child.kill('SIGKILL');
      await ended;
    } finally {
      process.kill(AgentState.Proxy.pid, 'SIGCONT');
    }
    assert.notDeepEqual(leftovers(), before);
    assert.equal((await rig.kata('delete', '--force', 'm')).code, 0);
    assert.deepEqual(leftovers(), before);
    assert.equal(await rig.status(), 'created');
  });

  it('a create that runs while its pod is removed leaves nothing behind', async () => {
    writeFileSync(rig.scratch.file('calls.hold'), 'createContainer');
    const { child, output } = rig.start(member('m', { mounts: [bind('/v', rig.scratch.file('volume'))] }));
    const ended = once(child, 'exit');
    await until('the guest is called', () => rig.calls().filter((call) => call.startsWith('createContainer ')).length === 2);
    assert.equal((await rig.kata('delete', '--force', rig.id)).code, 0);
    assert.deepEqual([(await ended)[0], output().stderr === ''], [1, false]);
    assert.deepEqual(leftovers(), []);
    assert.ok(existsSync(rig.scratch.file('volume/kept')));
  });

  it('a container whose pod has an unreadable state is removed completely', async () => {
    assert.equal((await rig.kata(...member('m', { mounts: [bind('/v', rig.scratch.file('volume'))] }))).code, 0);
    const state = `/run/vc/sbs/${rig.id}/persist.json`;
    const text = readFileSync(state, 'utf8');
    writeFileSync(state, '{');
    const { code, stderr } = await rig.kata('delete', '--force', 'm');
    writeFileSync(state, text);
    assert.deepEqual([code, stderr, leftovers()], [0, '', before]);
    assert.ok(existsSync(rig.scratch.file('volume/kept')));
  });

  /** Records that are damaged by a full disk, an edit or a flipped bit. */
  const damages: [name: string, text: string][] = [
    ['cut short', '{"PersistVersion":2,"State"'],
    ['without its parts', '{"PersistVersion":2}'],
  ];
  for (const [name, text] of damages)
    it(`a damaged record (${name}): verbs on the other containers warn, and work`, async () => {
      const bad = `${rig.id}-bad`;
      for (const id of ['m', bad]) assert.equal((await rig.kata(...member(id, { resources: { cpu: { quota: 100_000 } } }))).code, 0);
      assert.deepEqual(
        await Promise.all([rig.kata('start', rig.id), rig.kata('start', 'm')]).then((all) => all.map(({ code }) => code)),
        [0, 0],
      );
      writeFileSync(`/run/vc/sbs/${rig.id}/${bad}/persist.json`, text);
      const log = rig.scratch.file('log');
      const plugged = (): string[] => rig.qmp().filter((line) => line.startsWith('device_'));
      const verb = async (...args: string[]): Promise<[code: number, stdout: string, warnings: number]> => {
        writeFileSync(log, '');
        const { code, stdout, stderr } = await rig.kata('--log', log, ...args);
        const warnings = readFileSync(log, 'utf8').match(/level=warning .*damaged|level=warning .*is of version/g) ?? [];
        assert.equal(stderr.replace(/^WARNING: failed to get container \S+-bad: .*\n/, ''), '');
        return [code, stdout, warnings.length];
      };
      const before = plugged();
      assert.deepEqual(await verb('update', '--cpu-quota', '200000', '--cpu-period', '100000', 'm'), [0, '', 1]);
      assert.deepEqual(await verb('update', '--cpu-quota', '50000', '--cpu-period', '100000', 'm'), [0, '', 1]);
      assert.deepEqual(plugged(), before); // the limits of the other container are unknown, so its vCPUs are kept
      assert.deepEqual(await verb('create', ...member('n', { resources: { cpu: { quota: 400_000 } } }).slice(1)), [0, '', 1]);
      assert.notDeepEqual(plugged(), before);
      assert.deepEqual(await verb('start', 'n'), [0, '', 0]);
      assert.deepEqual((await verb('list', '-q'))[1].trim().split('\n').sort(), [rig.id, 'm', 'n'].sort());
      assert.equal((await verb('list', '--format', 'json'))[0], 0);
      const [code, stdout, warnings] = await verb('kata-overhead', 'm');
      assert.deepEqual([code, warnings], [0, 1]);
      assert.match(stdout, /^Sandbox overhead for container: m\n/);
      assert.deepEqual((await verb('events', '--stats', 'm'))[0], 0);
      for (const args of [
        ['ps', 'm'],
        ['pause', 'm'],
        ['resume', 'm'],
        ['kill', 'm', 'HUP'],
        ['exec', '--detach', 'm', 'true'],
      ])
        assert.deepEqual((await verb(...args)).toSpliced(1, 1), [0, 0], args.join(' '));
      assert.deepEqual(await verb('delete', '--force', 'n'), [0, '', 1]);
      assert.deepEqual(await verb('delete', '--force', bad), [0, '', 0]);
      assert.deepEqual(await verb('delete', '--force', 'm'), [0, '', 0]);
      assert.deepEqual(
        leftovers().filter((line) => line.includes(bad)),
        [],
      );
    });
});

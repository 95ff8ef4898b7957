/**
 * Containers that share the network of a container in a VM, with fakes of QEMU, proxy, agent and shim: created, deleted in both orders,
 * created again.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftovers } from '../support/leftovers.ts';
import { hasEnded } from '../support/proc-files.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { RuntimeRig } from './runtime-rig.ts';

const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
const SILENT = { code: 0, stdout: '', stderr: '' };

describe('containers that share the network of a VM', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(async () => {
    rig = new RuntimeRig();
    rig.prepare();
    rig.changeSpec((spec) => (spec.linux['resources'] = {}));
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.equal((await rig.kata('start', rig.id)).code, 0);
  });
  afterEach(async () => {
    for (const id of ['a', 'b']) await rig.kata('delete', '--force', id);
    await rig.close();
  });

  const networkOf = (pid: string): string => `/proc/${pid}/ns/net`;
  const pidOf = (id: string): string => readFileSync(rig.scratch.file(id === rig.id ? 'pid' : `pid-${id}`), 'latin1');
  const stateOf = (sandbox: string): SandboxState =>
    JSON.parse(readFileSync(`/run/vc/sbs/${sandbox}/persist.json`, 'utf8')) as SandboxState;

  /** Creates a container that shares a network, like docker. */
  function join(id: string, { path = networkOf(pidOf(rig.id)), resources = {}, mounts = [] as object[], ipc = '' } = {}): Promise<Outcome> {
    const bundle = rig.scratch.file(`bundle-${id}`);
    mkdirSync(`${bundle}/rootfs`, { recursive: true });
    const namespaces = [{ type: 'network', path }, { type: 'pid' }, { type: 'ipc', ...(ipc !== '' && { path: ipc }) }];
    const spec = {
      ...(JSON.parse(readFileSync(rig.scratch.file('bundle/config.json'), 'utf8').replace('18446744073709551615', '0')) as object),
      mounts,
      linux: { cgroupsPath: `/${rig.id}-${id}`, namespaces, resources },
    };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
    return rig.kata('create', '--bundle', bundle, '--pid-file', rig.scratch.file(`pid-${id}`), id);
  }
  const deleted = async (id: string): Promise<void> => assert.deepEqual(quiet(await rig.kata('delete', '--force', id)), SILENT);
  const names = (what: string): string[] => rig.calls().filter((call) => call.startsWith(`${what} `));
  const isRunning = (pid: number): boolean => !hasEnded(pid);
  const qemu = (sandbox: string): number => stateOf(sandbox).HypervisorState.Process.pid;

  it('a container joins the VM and its network namespace; the VM continues to run when this container is deleted', async () => {
    assert.deepEqual(quiet(await join('a')), SILENT);
    assert.deepEqual([names('createSandbox').length, names('createContainer').length], [1, 2]);
    assert.equal(statSync(networkOf(pidOf('a'))).ino, statSync(networkOf(pidOf(rig.id))).ino);
    assert.equal((await rig.kata('start', 'a')).code, 0);
    await deleted('a');
    assert.ok(isRunning(qemu(rig.id)));
    assert.deepEqual(stateOf(rig.id).Joined, []);
    assert.equal(await rig.status(), 'running');
  });

  it('when the first container is deleted, the VM continues to run in the cgroup of another container, and ends with the last container', async () => {
    for (const id of ['a', 'b']) assert.deepEqual(quiet(await join(id)), SILENT);
    const vm = qemu(rig.id);
    const cgroups = (): string => readFileSync(`/proc/${vm}/cgroup`, 'latin1');
    assert.match(cgroups(), new RegExp(`/kata_${rig.id}\n`));
    await deleted(rig.id);
    assert.ok(isRunning(vm));
    assert.match(cgroups(), new RegExp(`/kata_${rig.id}-a\n`));
    assert.doesNotMatch(cgroups(), new RegExp(`/kata_${rig.id}\n`));
    for (const controller of ['devices', 'pids']) assert.match(cgroups(), new RegExp(`:${controller}:/kata_${rig.id}-a/qemu\n`));
    assert.deepEqual([stateOf(rig.id).CgroupContainer, stateOf(rig.id).Joined], ['a', ['a', 'b']]);
    assert.ok(!existsSync(`/run/vc/sbs/${rig.id}/${rig.id}`));
    assert.match((await rig.kata('state', rig.id)).stderr, /does not exist/);
    assert.doesNotMatch((await rig.kata('list', '-q')).stdout, new RegExp(`^${rig.id}$`, 'm'));
    await deleted('a');
    assert.match(cgroups(), new RegExp(`/kata_${rig.id}-b\n`));
    await deleted('b');
    assert.ok(!isRunning(vm));
    assert.deepEqual(leftovers(), []);
  });

  it('the VM has no limits in the cgroup of another container if they were disabled', async () => {
    await deleted(rig.id);
    for (const key of ['qemu_device_cgroup', 'qemu_pids_cgroup']) rig.configure(key, false);
    assert.deepEqual([quiet(await rig.create()), quiet(await join('a'))], [SILENT, SILENT]);
    const vm = qemu(rig.id);
    await deleted(rig.id);
    assert.equal(stateOf(rig.id).CgroupContainer, 'a');
    assert.doesNotMatch(readFileSync(`/proc/${vm}/cgroup`, 'latin1'), /\/qemu\n/);
  });

  it('a sandbox of an earlier version continues to run: its state file has other keys', async () => {
    for (const id of ['a', 'b']) assert.deepEqual(quiet(await join(id)), SILENT);
    await deleted(rig.id);
    const { CgroupContainer, Network, ...others } = stateOf(rig.id);
    const { GuestNetwork, ...network } = Network;
    assert.ok(CgroupContainer === 'a' && GuestNetwork);
    const earlier = { ...others, Holder: CgroupContainer, Network: { ...network, Told: GuestNetwork } };
    writeFileSync(`/run/vc/sbs/${rig.id}/persist.json`, JSON.stringify(earlier));
    await deleted('a');
    assert.match(readFileSync(`/proc/${qemu(rig.id)}/cgroup`, 'latin1'), new RegExp(`/kata_${rig.id}-b\n`));
    const now = stateOf(rig.id);
    assert.deepEqual([now.CgroupContainer, now.Joined, now.Network.GuestNetwork], ['b', ['b'], GuestNetwork]);
    await deleted('b');
    assert.deepEqual(leftovers(), []);
  });

  it('a new first container gets a new VM and network, and a third container joins that VM', async () => {
    assert.deepEqual(quiet(await join('a')), SILENT);
    const [old, network] = [qemu(rig.id), statSync(networkOf(pidOf(rig.id))).ino];
    for (let round = 2; round < 5; round++) {
      await deleted(rig.id);
      assert.deepEqual(quiet(await rig.create()), SILENT);
      assert.ok(isRunning(old));
    }
    assert.notEqual(qemu(`${rig.id}~2`), old);
    assert.notEqual(statSync(networkOf(pidOf(rig.id))).ino, network);
    assert.equal((await rig.kata('start', rig.id)).code, 0);
    assert.deepEqual(quiet(await join('b')), SILENT);
    assert.deepEqual(stateOf(`${rig.id}~2`).Joined, ['b']);
    await deleted('a');
    assert.ok(!isRunning(old));
    assert.equal(await rig.status(), 'running');
    await deleted('b');
    await deleted(rig.id);
    assert.deepEqual(leftovers(), []);
  });

  it('links that are added between create and start of the new first container are plugged into its VM', async () => {
    assert.deepEqual(quiet(await join('a')), SILENT);
    await deleted(rig.id);
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const inside = ['nsenter', `--net=${networkOf(pidOf(rig.id))}`, 'ip'];
    for (const args of [
      ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0'],
      ['address', 'add', '10.7.0.2/24', 'dev', 'eth0'],
    ])
      assert.equal((await run('env', [...inside, ...args])).code, 0);
    assert.equal((await rig.kata('start', rig.id)).code, 0);
    assert.deepEqual(
      [rig.id, `${rig.id}~2`].map((name) => (stateOf(name).Network.Endpoints ?? []).map(({ Name }) => Name)),
      [[], ['eth0']],
    );
  });

  it('the others keep the network namespace when the engine unmounts it with the first container', async () => {
    await deleted(rig.id);
    const path = `/run/netns/${rig.id}`;
    assert.equal((await run('ip', ['netns', 'add', rig.id])).code, 0);
    try {
      rig.changeSpec((spec) => (spec.linux['namespaces'] = [{ type: 'network', path }]));
      assert.deepEqual(quiet(await rig.create()), SILENT);
      assert.equal((await rig.kata('start', rig.id)).code, 0);
      assert.deepEqual(quiet(await join('a')), SILENT);
      await deleted(rig.id);
    } finally {
      await run('ip', ['netns', 'delete', rig.id]);
    }
    assert.equal((await rig.kata('start', 'a')).code, 0);
    assert.equal((await rig.kata('exec', '--detach', 'a', 'true')).code, 0);
    await deleted('a');
    assert.deepEqual(leftovers(), []);
  });

  it('a failed create leaves nothing behind', async () => {
    const before = leftovers();
    const resources = { memory: { limit: 2 ** 50 } };
    const { code, stderr } = await join('a', { resources });
    assert.deepEqual([code, /^Unable to hotplug /.test(stderr)], [1, true]);
    assert.deepEqual(leftovers(), before);
    assert.deepEqual(stateOf(rig.id).Joined, []);
  });

  it('a sandbox that is being removed cannot be joined', async () => {
    const state = stateOf(rig.id);
    writeFileSync(`/run/vc/sbs/${rig.id}/persist.json`, JSON.stringify({ ...state, IsEnding: true }));
    const { code, stderr } = await join('a');
    assert.deepEqual([code, stderr], [1, `sandbox ${rig.id} is not running\n`]);
  });

  it('a joined container has its own /dev/shm unless it shares IPC too', async () => {
    const mounts = [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'size=4096k'] }];
    const shm = (): unknown => (rig.lastRequest('createContainer') as { OCI: { Mounts: object[] } }).OCI.Mounts[0];
    await join('a', { mounts });
    assert.deepEqual(shm(), {
      destination: '/dev/shm',
      source: 'shm',
      type: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=4194304'],
    });
    await join('b', { mounts, ipc: `/proc/${pidOf(rig.id)}/ns/ipc` });
    assert.equal((shm() as { source: string }).source, '/run/kata-containers/sandbox/shm');
  });

  it('the limits of all containers add up', async () => {
    const quota = (cpus: number): object => ({ cpu: { quota: cpus * 100_000, period: 100_000 } });
    assert.equal((await rig.kata('update', '--cpu-quota', '100000', '--cpu-period', '100000', rig.id)).code, 0);
    assert.deepEqual(quiet(await join('a', { resources: quota(2) })), SILENT);
    const plugged = rig.qmp().filter((line) => line.startsWith('device_add'));
    assert.equal(plugged.length, 3);
  });

  it('enable_network_sharing = false refuses a container that shares a network', async () => {
    rig.configure('enable_network_sharing', false);
    const { code, stderr } = await join('a');
    const path = networkOf(pidOf(rig.id));
    const text = `network namespace ${path} belongs to the VM of container ${rig.id}: enable_network_sharing is false\n`;
    assert.deepEqual([code, stderr], [1, text]);
  });
});

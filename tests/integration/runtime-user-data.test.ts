/**
 * kata-containers#11183 lost a user's files when the clean-up removed a directory that was still a mount point. Here a create fails at each
 * step after volumes were mounted, with and without a mount that is in use, and no file of the user may be removed: in volumes, in mounts
 * below them, and in the root file system.
 */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';

interface Step {
  readonly name: string;
  readonly modes?: Modes;
  /** The agent's call that is refused. */
  readonly refuses?: string;
  readonly args?: readonly string[];
  /** Changes of the specification that make the create fail. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly linux?: Readonly<Record<string, unknown>>;
  readonly reason: RegExp;
  /** The agent's call during which volumes are mounted and can be kept in use; undefined when the create fails earlier. */
  readonly holdAt?: string;
}

const process_ = { args: ['true'], cwd: '/', terminal: true };
const steps: Step[] = [
  { name: 'a mount that the kernel refuses', reason: /^mount of \S+ on \S+ failed \(EINVAL\)$/m },
  {
    name: 'the agent refuses to tell what it can',
    refuses: 'getGuestDetails',
    modes: { configuration: { 'runtime.disable_guest_seccomp': false } },
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
    reason: /^the guest says no$/m,
    holdAt: 'getGuestDetails',
  },
  {
    name: 'the agent refuses the container',
    refuses: 'createContainer',
    reason: /^the guest says no$/m,
    holdAt: 'createContainer',
  },
  {
    name: 'nobody takes the terminal',
    args: ['--console-socket', '/nonexistent/console.sock'],
    spec: { process: process_ },
    reason: /console\.sock/,
    holdAt: 'createContainer',
  },
  { name: 'the shim cannot be run', reason: /kata-shim cannot be run/, holdAt: 'createContainer' },
  {
    name: 'nobody takes the pidfd',
    args: ['--pidfd-socket', '/nonexistent/pidfd.sock'],
    reason: /pidfd\.sock/,
    holdAt: 'createContainer',
  },
  {
    name: 'the host has not so much memory',
    linux: { resources: { memory: { limit: 2 ** 50 } } },
    reason: /^Unable to hotplug/,
    holdAt: 'createContainer',
  },
  { name: 'the pid file cannot be written', args: ['--pid-file', '/nonexistent/pid'], reason: /pid file/, holdAt: 'createContainer' },
];

describe("a create that fails keeps every byte of the user's", function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  const mounted: string[] = [];
  const file = (name: string): string => rig.scratch.file(name);

  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(async () => {
    await rig.kata('delete', '--force', 'member');
    await rig.kata('delete', '--force', rig.id);
    for (const point of mounted.splice(0).reverse()) await good(run('umount', [point]));
    await rig.close();
  });

  async function mount(...args: string[]): Promise<void> {
    await good(run('mount', args));
    const [point] = args.slice(-1);
    if (point !== undefined) mounted.push(point);
  }

  /** The text of each file of the user, by path. */
  function data(): Record<string, string> {
    const walk = (directory: string): [string, string][] =>
      readdirSync(directory).flatMap((name): [string, string][] => {
        const path = join(directory, name);
        return statSync(path).isDirectory() ? walk(path) : [[path, readFileSync(path, 'utf8')]];
      });
    return Object.fromEntries(['bundle/rootfs', 'volume', 'readonly', 'single'].flatMap((name) => walk(file(name))));
  }

  /** A mounted root file system, a volume with a mount inside, a read-only volume, and a file. */
  async function putData(): Promise<object[]> {
    for (const name of ['volume/deep/inner', 'readonly/deep', 'single', 'real-root', 'real-inner'])
      mkdirSync(file(name), { recursive: true });
    await mount('--bind', file('real-root'), file('bundle/rootfs'));
    await mount('--bind', file('real-inner'), file('volume/deep/inner'));
    const paths = ['bundle/rootfs/etc', 'volume/deep/inner/file', 'volume/deep/file', 'readonly/deep/file', 'single/file'];
    for (const path of paths) writeFileSync(file(path), `data of ${path}`);
    return [
      { destination: '/v', type: 'bind', source: file('volume'), options: ['rbind'] },
      { destination: '/r', type: 'bind', source: file('readonly'), options: ['bind', 'ro'] },
      { destination: '/f', type: 'bind', source: file('single/file'), options: ['bind'] },
    ];
  }

  /** The arguments of the create, with everything prepared that makes it fail. */
  async function prepare(step: Step, kind: string): Promise<{ id: string; args: string[] }> {
    rig.prepare(step.modes);
    const volumes = await putData();
    const unbindable = { destination: '/u', type: 'bind', source: file('unbindable'), options: ['bind'] };
    if (step.name === 'a mount that the kernel refuses') {
      mkdirSync(file('unbindable'));
      await mount('-t', 'tmpfs', 'none', file('unbindable'));
      await good(run('mount', ['--make-unbindable', file('unbindable')]));
    }
    const id = kind === 'sandbox' ? rig.id : 'member';
    const annotations = { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': rig.id };
    if (kind !== 'sandbox') await makePod();
    rig.changeSpec((spec) => {
      const mounts = step.name === 'a mount that the kernel refuses' ? [...volumes, unbindable] : volumes;
      Object.assign(spec, { mounts, ...step.spec }, kind === 'sandbox' ? {} : { annotations });
      Object.assign(spec.linux, { resources: {}, cgroupsPath: `/${id}-${rig.id}`, ...step.linux });
    });
    if (step.refuses !== undefined) writeFileSync(file('calls.refuses'), step.refuses);
    if (step.name === 'the shim cannot be run') writeFileSync(file('kata-shim'), '#!/nonexistent/interpreter\n');
    return { id, args: ['create', '--bundle', file('bundle'), ...(step.args ?? []), id] };
  }

  async function makePod(): Promise<void> {
    rig.changeSpec((spec) => {
      spec.mounts = [];
      spec.linux['resources'] = {};
    });
    assert.equal((await rig.create()).code, 0);
  }

  it('a later mount of the host in a volume is not visible in the container, and does not block its removal', async () => {
    rig.prepare();
    const volumes = await putData();
    await mount('--bind', file('volume'), file('volume'));
    await good(run('mount', ['--make-shared', file('volume')])); // the default with systemd
    rig.changeSpec((spec) => {
      spec.mounts = volumes;
      spec.linux['resources'] = {};
    });
    assert.equal((await rig.create()).code, 0);
    mkdirSync(file('volume/late'));
    await mount('-t', 'tmpfs', 'none', file('volume/late'));
    writeFileSync(file('volume/late/file'), 'late');
    const before = data();
    const { code, stderr } = await rig.kata('delete', '--force', rig.id);
    assert.deepEqual([code, stderr, leftovers(), data()], [0, '', [], before]);
  });

  for (const kind of ['sandbox', "pod's container"]) {
    for (const [index, step] of steps.entries()) {
      it(`${kind}: ${step.name}`, async () => {
        const { args } = await prepare(step, kind);
        const [before, there] = [data(), leftovers()];
        const { code, stderr } = await rig.kata(...args);
        assert.equal(code, 1);
        assert.match(stderr, step.reason);
        assert.deepEqual([data(), leftovers()], [before, there]);
      });

      if (step.holdAt === undefined) continue;
      const { holdAt } = step;
      it(`${kind}: ${step.name}, and one of its mounts is in use`, async () => {
        const { id, args } = await prepare(step, kind);
        const [before, there] = [data(), leftovers()];
        writeFileSync(file('calls.hold'), holdAt);
        const { child, output } = rig.start(args);
        const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
        const earlier = rig.calls().filter((line) => line.startsWith(holdAt)).length;
        await until('the guest is asked', () => rig.calls().filter((line) => line.startsWith(holdAt)).length > earlier);
        const share = `/run/kata-containers/shared/sandboxes/${rig.id}/mounts`;
        const mounts = (): string => readFileSync('/proc/self/mounts', 'latin1');
        const own = (): string[] => readdirSync(share).filter((at) => at.startsWith(id) && mounts().includes(` ${share}/${at}/`));
        await until('the mounts are made', () => own().length === 4);
        const name = own()[index % 4] ?? '';
        const [entry = ''] = readdirSync(join(share, name)); // the mount point
        const held = openSync(join(share, name, entry), 'r');
        rmSync(file('calls.hold'));
        assert.equal(await ended, 1);
        assert.match(output().stderr, step.reason);
        assert.deepEqual(data(), before);
        assert.notDeepEqual(leftovers(), there, 'what is in use stays');
        closeSync(held);
        const end = await rig.kata('delete', '--force', rig.id);
        assert.deepEqual([end.code, end.stderr], [0, '']);
        assert.deepEqual([data(), leftovers()], [before, []]);
      });
    }
  }
});

/** The share, with real mounts, when the process that serves it has a mount namespace of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import type { Kernel } from '../../packages/common/src/kernel/kernel.ts';
import { identifyProcess } from '../../packages/common/src/process/process-identity.ts';
import type { Undo } from '../../packages/runtime/src/undo/undo-journal.ts';
import { undoAll } from '../../packages/runtime/src/undo/undo.ts';
import { mountPointsBelow, readMountTable } from '../../packages/runtime/src/mounts/mount-table.ts';
import { hasOwnMounts } from '../../packages/runtime/src/processes/has-own-mounts.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { makeShare, sharePaths } from '../../packages/runtime/src/storage/share.ts';
import type { SharedPath } from '../../packages/runtime/src/storage/share-plan.ts';
import { good, run } from '../support/run.ts';
import { Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';
import { RuntimeRig, fake } from './runtime-rig.ts';

type Calls = Pick<Kernel, 'mount' | 'umountExactly' | 'restrictMounts'>;

describe('the share of a process with its own mounts', function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let server: ChildProcess;
  let ofSandbox: Undo[];
  let ofContainer: Undo[];
  const file = (name: string): string => scratch.file(name);
  const mount = (...args: string[]): Promise<string> => good(run('mount', args));
  const paths = () => ({ share: file('share'), mounts: file('share/mounts'), shared: file('share/shared') });
  const volume = (changes: Partial<SharedPath> = {}): SharedPath => ({
    ...{ source: file('v'), name: 'v/data', kind: 'directory', recursive: true, readonly: 'none', laterMounts: false },
    ...changes,
  });
  const share = (path: SharedPath, kernel: Calls = linuxKernel): void => {
    const record = (entry: Undo): void => void ofContainer.push(entry);
    sharePaths(paths(), { id: 'id', rootfs: file('root'), volumes: [path], servedElsewhere: true }, record, kernel);
  };
  const inServer = (script: string): Promise<string> =>
    good(run('nsenter', [`--mount=/proc/${server.pid}/ns/mnt`, 'sh', '-c', `cd ${file('share/shared')}; ${script}`]));
  /** Names of the mount points below the share in a mount table. */
  const pointsIn = (table: string): string[] => mountPointsBelow(file('share'), table).map((point) => point.slice(file('share').length));
  const onHost = (): string[] => pointsIn(readMountTable());
  const atServer = (): string[] => pointsIn(readFileSync(`/proc/${server.pid}/mountinfo`, 'latin1'));

  beforeEach(async () => {
    scratch = new Scratch();
    [ofSandbox, ofContainer] = [[], []];
    mkdirSync(file('root'));
    mkdirSync(file('v/inner'), { recursive: true });
    await mount('-t', 'tmpfs', 'none', file('v/inner'));
    mkdirSync(file('v/inner/most'));
    await mount('-t', 'tmpfs', 'none', file('v/inner/most'));
    for (const name of ['v/file', 'v/inner/file', 'v/inner/most/file']) writeFileSync(file(name), name);
    makeShare(paths() as never, (entry) => void ofSandbox.push(entry), linuxKernel);
    server = spawn('unshare', ['--mount', '--propagation', 'slave', 'sleep', '1000'], { stdio: 'ignore' });
    const identity = identifyProcess(server.pid ?? 0);
    assert.ok(identity);
    await until('the server has its mounts', () => hasOwnMounts(identity));
  });
  afterEach(async () => {
    assert.deepEqual(await undoAll(ofContainer, linuxKernel), []);
    server.kill();
    await once(server, 'exit');
    assert.deepEqual(await undoAll(ofSandbox, linuxKernel), []);
    assert.deepEqual([onHost(), existsSync(file('share'))], [[], false]);
    await run('umount', ['-R', file('v/inner')]);
    assert.equal(readFileSync(file('v/file'), 'utf8'), 'v/file');
    scratch.remove();
  });

  const isOfVolume = (point: string): boolean => point.includes('/v/data');

  it('has the mounts below a volume for the process only, until the host removes their mount points', async () => {
    share(volume());
    assert.deepEqual(onHost().filter(isOfVolume).sort(), ['/mounts/v/data', '/shared/v/data']);
    const read = (): Promise<string> => inServer('cat v/data/file v/data/inner/file v/data/inner/most/file 2>/dev/null || true');
    assert.equal(await read(), 'v/filev/inner/filev/inner/most/file');
    await inServer('echo -n new >v/data/inner/most/file');
    assert.equal(readFileSync(file('v/inner/most/file'), 'utf8'), 'new');
    await good(run('umount', ['-R', file('v/inner')]));
    assert.equal(await read(), 'v/filev/inner/filenew');
    rmdirSync(file('v/inner'));
    assert.equal(await read(), 'v/file');
  });

  for (const [part, isWritable] of [
    ['top', true],
    ['all', false],
  ] as const)
    it(`a mount below a volume whose ${part} is read-only is ${isWritable ? 'writable' : 'read-only'}`, async () => {
      share(volume({ readonly: part }));
      assert.equal(await inServer('touch v/data/new 2>/dev/null || echo refused'), 'refused\n');
      assert.equal(await inServer('touch v/data/inner/new 2>/dev/null || echo refused'), isWritable ? '' : 'refused\n');
    });

  it('has the mounts on the host too if the container requests later mounts', async () => {
    await mount('--bind', file('v'), file('v'));
    await mount('--make-shared', file('v'));
    try {
      share(volume({ laterMounts: true }));
      assert.ok(onHost().includes('/mounts/v/data'));
      mkdirSync(file('v/late'));
      await mount('-t', 'tmpfs', 'none', file('v/late'));
      assert.ok(atServer().includes('/shared/v/data/late'));
      assert.ok(onHost().includes('/mounts/v/data/late'));
      await good(run('umount', [file('v/late')]));
      assert.ok(!atServer().includes('/shared/v/data/late'));
      assert.deepEqual(await undoAll(ofContainer, linuxKernel), []);
    } finally {
      await good(run('umount', [file('v')]));
    }
  });

  it('has no mount of a removed container while the process runs', async () => {
    const before = [onHost(), atServer()];
    share(volume());
    assert.equal(atServer().filter(isOfVolume).length, 6); // below `mounts`, which nobody serves, and `shared`
    assert.deepEqual(await undoAll(ofContainer, linuxKernel), []);
    assert.deepEqual([onHost(), atServer()], before);
    assert.equal(readFileSync(file('v/inner/most/file'), 'utf8'), 'v/inner/most/file');
  });

  it('a create that ends at any call of the kernel leaves no mount anywhere', async () => {
    const before = [onHost(), atServer()];
    let isComplete = false;
    let calls = 0;
    for (let last = 0; !isComplete; last++) {
      let left = last;
      const count = <A extends unknown[], R>(call: (...args: A) => R) => {
        return (...args: A): R => {
          if (left-- === 0) throw new Error('killed');
          return call(...args);
        };
      };
      const { mount: doMount, umountExactly, restrictMounts } = linuxKernel;
      try {
        share(volume(), { mount: count(doMount), umountExactly: count(umountExactly), restrictMounts: count(restrictMounts) });
        isComplete = true;
      } catch (error) {
        assert.equal((error as Error).message, 'killed');
        calls++;
      }
      assert.deepEqual(await undoAll(ofContainer, linuxKernel), [], `after ${last} calls`);
      assert.deepEqual([onHost(), atServer()], before, `after ${last} calls`);
      ofContainer = [];
    }
    assert.ok(calls > 10, String(calls));
  });
});

describe('kata-runtime and mounts below a volume', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(async () => {
    await run('umount', [rig.scratch.file('volume/inner')]);
    await rig.close();
  });

  for (const [name, start, isOnHost] of [
    ['a mount namespace of its own', 'unshare --mount --propagation slave', false],
    ["the host's mount namespace", '', true],
  ] as const)
    it(`a QEMU with ${name} ${isOnHost ? 'shares' : 'does not share'} them with the host`, async () => {
      const qemu = rig.executable('qemu-of-test', `exec ${start} ${fake('qemu.ts')} good "$@"`);
      rig.prepare({ configuration: { 'hypervisor.qemu.path': qemu } });
      mkdirSync(rig.scratch.file('volume/inner'));
      await good(run('mount', ['-t', 'tmpfs', 'none', rig.scratch.file('volume/inner')]));
      assert.equal((await rig.create()).stderr, '');
      const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
      const innerIn = (table: string): number =>
        mountPointsBelow('/run/kata-containers', table).filter((point) => point.endsWith('/inner')).length;
      assert.equal(innerIn(readFileSync(`/proc/${HypervisorState.Process.pid}/mountinfo`, 'latin1')), 2); // below `mounts` and `shared`
      assert.equal(innerIn(readMountTable()), isOnHost ? 2 : 0);
    });
});

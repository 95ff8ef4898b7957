/** Block devices of the host in containers: by docker, and by the runtime itself for root file systems and pods. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { LoopDevices, numbersOf } from '../support/loop-devices.ts';
import { run as runProgram } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime, stage, variant } from '../support/staged.ts';

const MIB = 1 << 20;
/** The machine's busybox makes no file system that the guest has. */
const hostPrograms = ['/usr', '/lib', '/lib64'].flatMap((directory) => ['-v', `${directory}:${directory}:ro`]);
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

describe('block devices', function () {
  this.timeout(90_000);
  let engine: Engine;
  let loops: LoopDevices;
  let disk = '';
  /** A runtime that attaches disks by that driver. */
  let blk = '';
  let files = 0;
  onCleanMachine(async () => {
    blk = variant(stage, 'kata-virtio-blk', (toml) =>
      toml.replace(/^#?block_device_driver ?= ?.*$/m, 'block_device_driver = "virtio-blk"'),
    );
    return (engine = await Engine.start({ 'kata-runtime': kataRuntime, blk }, 'kata-runtime'));
  });
  beforeEach(async () => {
    loops = new LoopDevices();
    disk = await attach(16);
  });
  afterEach(() => loops.close());

  const attach = (mebibytes: number, format = false): Promise<string> =>
    loops.attach(join(engine.directory, `disk-${files++}.img`), mebibytes, { format });
  async function good(outcome: Promise<Outcome>): Promise<string> {
    const { code, stdout, stderr } = await outcome;
    assert.equal(code, 0, `${stdout}${stderr}`);
    return stdout.trim();
  }
  const run = (...args: string[]): Promise<Outcome> => engine.docker(['run', '--rm', ...args]);
  const onHost = async (device: string): Promise<string> => (await good(runProgram('md5sum', [device]))).split(' ')[0] ?? '';
  const kata = (...args: string[]): Promise<Outcome> => engine.inMounts(kataRuntime, args);

  for (const runtime of ['kata-runtime', 'blk'])
    describe(runtime, () => {
      const shell = (device: string, script: string, ...args: string[]): Promise<Outcome> =>
        run('--runtime', runtime, '--device', device, ...args, 'busybox', 'sh', '-c', script);

      it('reads what the host has written, and writes to the host', async () => {
        const data = randomBytes(16 * MIB);
        writeFileSync(disk, data);
        assert.equal(await good(shell(disk, `md5sum <${disk}`)), `${md5(data)}  -`);
        const script = 'dd if=/dev/urandom of=/tmp/data bs=1M count=16 && dd if=/tmp/data of=/dev/disk bs=1M && md5sum </tmp/data';
        const sum = (await good(shell(`${disk}:/dev/disk`, script))).split(' ')[0];
        assert.equal(await onHost(disk), sum);
      });

      it('the container can create and mount a file system', async () => {
        const script = '/usr/sbin/mkfs.ext4 -q /dev/disk && mkdir /m && mount -t ext4 /dev/disk /m && echo hello >/m/file && umount /m';
        await good(shell(`${disk}:/dev/disk`, script, '--cap-add', 'SYS_ADMIN', ...hostPrograms));
        await good(runProgram('fsck.ext4', ['-n', '-f', disk]));
        await loops.mount(disk, join(engine.directory, 'seen'));
        assert.equal(readFileSync(join(engine.directory, 'seen/file'), 'utf8'), 'hello\n');
        await loops.unmount(join(engine.directory, 'seen'));
      });

      it('a read-only disk is not writable, even for a privileged container', async () => {
        const before = await onHost(disk);
        const { code, stderr } = await shell(
          `${disk}:/dev/disk:r`,
          'md5sum /dev/disk && mknod /dev/again b $(printf "%d %d" 0x$(stat -c %t /dev/disk) 0x$(stat -c %T /dev/disk)) && ls -l /dev/again && dd if=/dev/urandom of=/dev/again bs=1M count=1',
          ...['--cap-add', 'ALL'],
        );
        assert.notEqual(code, 0);
        assert.match(
          stderr,
          /(can't open|error writing) '\/dev\/again': (Operation not permitted|Permission denied|Read-only file system)/,
        );
        assert.equal(await onHost(disk), before);
      });
    });

  /** The guest has its own loop0 to loop7. */
  const hostDisk = /^(loop([89]|\d\d)|vd|sd)/;

  it('a privileged container has all privileges in its guest', async () => {
    const script =
      'grep CapEff /proc/self/status; mkdir /m && mount -t tmpfs none /m && echo ok >/m/file && cat /m/file; wc -c </dev/loop0; ls /dev';
    const said = (await good(run('--privileged', 'busybox', 'sh', '-c', script))).split('\n');
    const all = 0x3fffffffffn; // that docker 20.10 knows
    assert.equal(BigInt(`0x${said[0]?.split('\t')[1]}`) & all, all);
    assert.deepEqual(said.slice(1, 3), ['ok', '0'], "loop0 is the guest's, without a file");
    assert.ok(!said.some((name) => hostDisk.test(name)), said.join(' '));
  });

  it('a privileged container has the disk that --device names, and no other disk of the host', async () => {
    const script =
      'ls /dev; /usr/sbin/mkfs.ext4 -q /dev/mine && mkdir /m /n && mount -t ext4 /dev/mine /m && truncate -s 4M /m/image && ' +
      '/usr/sbin/mkfs.ext4 -q /m/image && mount -o loop /m/image /n && echo ok >/n/file && cat /n/file && umount /n';
    const said = (await good(run('--privileged', '--device', `${disk}:/dev/mine`, ...hostPrograms, 'busybox', 'sh', '-c', script))).split(
      '\n',
    );
    assert.equal(said.at(-1), 'ok');
    assert.ok(said.includes('mine') && !said.some((name) => hostDisk.test(name)), said.join(' '));
  });

  it('a volume that is a block device is a block device in the container', async () => {
    const sum = await onHost(disk);
    const { stdout, stderr } = await run('-v', `${disk}:/data`, 'busybox', 'sh', '-c', '[ -b /data ] && md5sum </data');
    assert.equal(stdout.split(' ')[0], sum, stderr);
  });

  it('the error for a loop device without a file is one sentence', async () => {
    await loops.detach(disk);
    const { code, stderr } = await run('--device', disk, 'busybox', 'true');
    assert.equal(code, 125);
    assert.match(stderr, new RegExp(`: block device ${disk} is empty: nothing is attached to it[^\\n]*\\n`));
    assert.deepEqual(leftovers(), []);
  });

  interface Wanted {
    readonly annotations?: object;
    readonly devices?: { type: string; major: number; minor: number }[];
    readonly mounts?: object[];
    readonly rootfs?: string;
  }
  /** A bundle that runs `script`, and its directory. */
  function bundle(name: string, script: string, { annotations = {}, devices = [], mounts = [], rootfs = 'rootfs' }: Wanted = {}): string {
    const directory = join(engine.directory, name);
    mkdirSync(directory, { recursive: true });
    const spec = {
      ociVersion: '1.0.2',
      process: { args: ['/bin/busybox', 'sh', '-c', script], cwd: '/', user: {}, env: ['PATH=/bin'] },
      root: { path: rootfs },
      annotations,
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/sys', type: 'sysfs', source: 'sysfs' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
        ...mounts,
      ],
      linux: {
        cgroupsPath: `/${name}`,
        namespaces: ['network', 'pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
        devices,
        resources: { devices: devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: 'rwm' })) },
      },
    };
    writeFileSync(`${directory}/config.json`, JSON.stringify(spec));
    return directory;
  }
  /** Copies the files of a root file system, in the engine's mount namespace. */
  async function fill(root: string): Promise<void> {
    await good(engine.inMounts('mkdir', ['-p', ...['bin', 'proc', 'sys', 'dev', 'tmp'].map((name) => `${root}/${name}`)]));
    await good(engine.inMounts('cp', ['/bin/busybox', `${root}/bin/busybox`]));
  }
  async function tryCreate(id: string, directory: string, runtime = kataRuntime): Promise<{ code: number; stderr: string }> {
    const script = `exec </dev/null >/dev/null 2>${directory}/err; exec ${runtime} create --bundle ${directory} --pid-file ${directory}/pid ${id}`;
    const { code } = await engine.inMounts('sh', ['-c', script]);
    return { code, stderr: readFileSync(`${directory}/err`, 'utf8') };
  }
  async function create(id: string, directory: string, runtime = kataRuntime): Promise<void> {
    assert.deepEqual(await tryCreate(id, directory, runtime), { code: 0, stderr: '' });
  }

  it('the guest mounts a root file system on a loop device, which is consistent afterwards', async () => {
    const device = await attach(64, true);
    const directory = bundle('on-disk', 'busybox grep " / " /proc/mounts >/seen; busybox sync; exec busybox sleep 1000');
    const root = join(directory, 'rootfs');
    await good(engine.inMounts('mkdir', ['-p', root]));
    await good(engine.inMounts('mount', [device, root]));
    try {
      await fill(root); // not synced, but the guest must read it
      await create('on-disk', directory);
      try {
        await good(kata('start', 'on-disk'));
        const args = ['exec', 'on-disk', '/bin/busybox', 'sh', '-c'];
        assert.match(await good(kata(...args, 'busybox grep " / " /proc/mounts')), /^\/dev\/sda \/ ext4 rw/);
        const { code, stderr } = await tryCreate('second', bundle('second', 'true', { rootfs: root })); // two guests would destroy it
        assert.equal(code, 1);
        assert.match(stderr, /^block device \/dev\/loop\d+ cannot be plugged: QMP [^\n]* Failed to get "write" lock[^\n]*\n$/);
        await good(kata(...args, 'busybox dd if=/dev/urandom of=/large bs=1M count=4; busybox md5sum </large >/sum; busybox mkdir /made'));
        await good(engine.inMounts('find', [join(root, 'bin')])); // this would change an inode's access time
        await good(kata(...args, 'i=0; while [ $i -lt 1000 ]; do echo $i >/made/$i; i=$((i+1)); done'));
      } finally {
        await good(kata('delete', '--force', 'on-disk'));
      }
      await engine.inMounts('find', [root]);
    } finally {
      await good(engine.inMounts('umount', [root]));
    }
    assert.doesNotMatch(await good(runProgram('fsck.ext4', ['-n', '-f', device])), /wrong/);
    const seen = join(engine.directory, 'seen');
    await loops.mount(device, seen);
    assert.match(readFileSync(`${seen}/seen`, 'utf8'), /^\/dev\/sda \/ ext4 /);
    assert.equal(readdirSync(`${seen}/made`).length, 1000);
    assert.equal(readFileSync(`${seen}/sum`, 'utf8').split(' ')[0], md5(readFileSync(`${seen}/large`)));
    await loops.unmount(seen);
  });

  it('with virtio-fs, QEMU of a root file system on a loop device is not root', async () => {
    const share = variant(stage, 'kata-share-and-disk', (toml) => toml.replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"'));
    const device = await attach(64, true);
    const directory = bundle('share-and-disk', 'exec busybox sleep 1000');
    const root = join(directory, 'rootfs');
    await good(engine.inMounts('mkdir', ['-p', root]));
    await good(engine.inMounts('mount', [device, root]));
    try {
      await fill(root);
      await create('share-and-disk', directory, share);
      try {
        await good(engine.inMounts(share, ['start', 'share-and-disk']));
        const args = ['exec', 'share-and-disk', '/bin/busybox', 'sh', '-c', 'busybox grep " / " /proc/mounts; busybox touch /made'];
        assert.match(await good(engine.inMounts(share, args)), /^\/dev\/sda \/ ext4 rw/);
        const status = readFileSync(`/proc/${readFileSync('/run/vc/vm/share-and-disk/pid', 'utf8').trim()}/status`, 'utf8');
        assert.match(status, /^Uid:\t(189\d{7})\t\1\t\1\t\1$/m); // 0x71000000 and a pid
        assert.match(status, /^CapEff:\t0{16}$/m);
      } finally {
        await good(engine.inMounts(share, ['delete', '--force', 'share-and-disk']));
      }
    } finally {
      await good(engine.inMounts('umount', [root]));
    }
    assert.doesNotMatch(await good(runProgram('fsck.ext4', ['-n', '-f', device])), /wrong/);
  });

  const pause = 'exec busybox sleep 1000';
  const inPod = (type: string): object => ({ 'io.kubernetes.cri.container-type': type, 'io.kubernetes.cri.sandbox-id': 'pod' });

  it('a file system that is a volume is consistent when its container is removed from a pod', async () => {
    const root = join(engine.directory, 'plain');
    await fill(root);
    const device = await attach(32, true);
    await create('pod', bundle('pod', pause, { annotations: inPod('sandbox'), rootfs: root }));
    try {
      await good(kata('start', 'pod'));
      const mounts = [{ destination: '/fs', type: 'ext4', source: device, options: ['noatime'] }];
      await create('member', bundle('member', pause, { annotations: inPod('container'), rootfs: root, mounts }));
      await good(kata('start', 'member'));
      const script =
        'busybox dd if=/dev/urandom of=/fs/large bs=1M count=4; busybox md5sum </fs/large >/fs/sum; busybox grep /fs /proc/mounts';
      assert.match(await good(kata('exec', 'member', '/bin/busybox', 'sh', '-c', script)), /^\/dev\/sda \/fs ext4 rw,noatime/m);
      await good(kata('delete', '--force', 'member')); // nothing was synced
      await good(runProgram('fsck.ext4', ['-n', '-f', device]));
      const seen = join(engine.directory, 'seen');
      await loops.mount(device, seen);
      assert.equal(readFileSync(`${seen}/sum`, 'utf8').split(' ')[0], md5(readFileSync(`${seen}/large`)));
      await loops.unmount(seen);
    } finally {
      await good(kata('delete', '--force', 'pod'));
    }
  });

  for (const driver of ['virtio-scsi', 'virtio-blk'])
    it(`a pod's disk is attached and detached with its container: ${driver}`, async () => {
      const root = join(engine.directory, 'plain');
      await fill(root);
      await create(
        'pod',
        bundle('pod', pause, { annotations: inPod('sandbox'), rootfs: root }),
        driver === 'virtio-blk' ? blk : kataRuntime,
      );
      try {
        await good(kata('start', 'pod'));
        const disks = async (): Promise<string[]> => (await good(kata('exec', 'pod', '/bin/busybox', 'ls', '/sys/block'))).split('\n');
        const before = await disks();
        const devices = [{ path: '/dev/disk', type: 'b', ...numbersOf(disk) }];
        for (let round = 0; round < 2; round++) {
          await create('member', bundle('member', pause, { annotations: inPod('container'), rootfs: root, devices }));
          await good(kata('start', 'member'));
          const come = (await disks()).filter((name) => !before.includes(name));
          assert.deepEqual(come, [driver === 'virtio-blk' ? 'vda' : 'sda']); // the pod keeps the configuration with which it was created
          const sum = await good(kata('exec', 'member', '/bin/busybox', 'md5sum', '/dev/disk'));
          assert.equal(sum.split(' ')[0], await onHost(disk));
          const script = `IFS=: read -r a b </sys/block/${come.join()}/dev; $x mknod /bin/d b $a $b; $x cat /bin/d 2>&1; $x rm /bin/d`;
          const others = await kata('exec', '--cap', 'CAP_MKNOD', '-e', 'x=/bin/busybox', 'pod', '/bin/busybox', 'sh', '-c', script);
          assert.equal(others.stdout, "cat: can't open '/bin/d': Operation not permitted\n", others.stderr);
          await good(kata('delete', '--force', 'member'));
          assert.deepEqual(await disks(), before);
        }
        await loops.detach(disk); // nobody holds it any more
      } finally {
        await good(kata('delete', '--force', 'pod'));
      }
    });
});

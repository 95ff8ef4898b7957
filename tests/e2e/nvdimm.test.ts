/** Block devices and volumes that are plugged as NVDIMMs, in VMs that were cloned and that were booted. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { good, run as runProgram } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime, stage, variant } from '../support/staged.ts';

const MIB = 1 << 20;
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

describe('NVDIMMs', function () {
  this.timeout(120_000);
  let engine: Engine;
  let loops: LoopDevices;
  let files = 0;
  onCleanMachine(async () => {
    const booted = variant(stage, 'kata-booted', (toml) => toml.replace(/^#?enable_template ?= ?.*$/m, 'enable_template = false'));
    const nvdimm = variant(stage, 'kata-nvdimm', (toml) =>
      toml
        .replace(/^#?block_device_driver ?= ?.*$/m, 'block_device_driver = "nvdimm"')
        .replace(/^#?enable_template ?= ?.*$/m, 'enable_template = false'),
    );
    return (engine = await Engine.start({ 'kata-runtime': kataRuntime, booted, nvdimm }, 'kata-runtime'));
  });
  beforeEach(() => (loops = new LoopDevices()));
  afterEach(() => loops.close());

  const docker = (...args: string[]): Promise<Outcome> => engine.docker(['run', '--rm', ...args]);

  /** An image of an NVDIMM with a file system, which the engine has mounted. */
  async function pmem(): Promise<{ image: string; device: string; point: string }> {
    const image = join(engine.directory, `pmem-${files++}.img`);
    const device = await loops.attachPmem(image);
    const point = `${image}.d`;
    await good(engine.inMounts('mkdir', [point]));
    await good(engine.inMounts('mount', [device, point]));
    return { image, device, point };
  }

  for (const runtime of ['kata-runtime', 'booted'])
    it(`a volume on an image is mounted by the guest for direct access, and its files are on the host afterwards: ${runtime}`, async () => {
      const { device, point } = await pmem();
      try {
        await good(engine.inMounts('sh', ['-c', `echo from the host >${point}/host`])); // not synced
        const script = 'grep " /p " /proc/mounts; cat /p/host; dd if=/dev/urandom of=/p/large bs=1M count=8; md5sum </p/large >/p/sum';
        const said = await good(docker('--runtime', runtime, '-v', `${point}:/p`, 'busybox', 'sh', '-c', script));
        assert.match(said, /^\/dev\/pmem1 \/p ext4 rw,[^\n]*dax[^\n]*\nfrom the host\n/);
        await engine.inMounts('find', [point]); // its data are stale and must not be written to the disk
      } finally {
        await good(engine.inMounts('umount', [point]));
      }
      assert.doesNotMatch(await good(runProgram('fsck.ext4', ['-n', '-f', device])), /wrong/);
      const seen = join(engine.directory, 'seen');
      await loops.mount(device, seen);
      assert.equal(readFileSync(`${seen}/sum`, 'utf8').split(' ')[0], md5(readFileSync(`${seen}/large`)));
      await loops.unmount(seen);
    });

  it('several new NVDIMMs are distinguished', async () => {
    const images = [await pmem(), await pmem(), await pmem()];
    try {
      for (const { point } of images) await good(engine.inMounts('sh', ['-c', `echo ${point} >${point}/name`]));
      const args = images.flatMap(({ point }, index) => ['-v', `${point}:/p${index}`]);
      const said = await good(
        docker(...args, 'busybox', 'sh', '-c', 'cat /p0/name /p1/name /p2/name; grep -c "^/dev/pmem[123] /p" /proc/mounts'),
      );
      assert.equal(said, [...images.map(({ point }) => point), '3', ''].join('\n'));
    } finally {
      for (const { point } of images) await engine.inMounts('umount', [point]);
    }
  });

  it('the guest cannot write to a file system that the host has mounted read-only', async () => {
    const { image, point } = await pmem();
    try {
      await good(engine.inMounts('sh', ['-c', `echo from the host >${point}/host; mount -o remount,ro ${point}`]));
      const before = md5(readFileSync(image));
      const script = 'grep -o "^/dev/pmem1 /p" /proc/mounts; cat /p/host; mount -o remount,rw /p; echo >/p/more';
      const { code, stdout } = await docker('--cap-add', 'SYS_ADMIN', '-v', `${point}:/p:ro`, 'busybox', 'sh', '-c', script);
      assert.notEqual(code, 0);
      assert.equal(stdout, '/dev/pmem1 /p\nfrom the host\n');
      assert.equal(md5(readFileSync(image)), before);
    } finally {
      await good(engine.inMounts('umount', [point]));
    }
  });

  it('a device that the configuration attaches as NVDIMM is readable and writable', async () => {
    const disk = await loops.attach(join(engine.directory, `disk-${files++}.img`), 16);
    const data = randomBytes(16 * MIB);
    writeFileSync(disk, data);
    const script = 'md5sum <disk; dd if=/dev/urandom of=/tmp/data bs=1M count=16; dd if=/tmp/data of=disk bs=1M; md5sum </tmp/data';
    const args = ['--runtime', 'nvdimm', '--device', `${disk}:/dev/disk`, '-w', '/dev', 'busybox', 'sh', '-c', script];
    const [read, written] = (await good(docker(...args))).split('\n');
    assert.equal(read, `${md5(data)}  -`);
    assert.equal(written?.split(' ')[0], (await good(runProgram('md5sum', [disk]))).split(' ')[0]);
  });
});

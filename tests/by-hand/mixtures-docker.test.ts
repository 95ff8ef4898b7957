/** docker with the sixteen mixtures of mixtures.ts: volume, device, limit of memory, privileges and stop. By hand (docs/compatibility.md). */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { good } from '../support/run.ts';
import { until } from '../support/until.ts';
import { mixtures, nameOf, prepareRuntimes, startSyslog } from './mixtures.ts';
import type { Mixture } from './mixtures.ts';

/**
 * 1.x's runtime cannot plug anything into QEMU 6 and newer: it adds block devices with the driver "file" and memory without the present
 * syntax. `--privileged` names all devices.
 */
const canPlug = ({ runtime }: Mixture): boolean => runtime === 'ours';

/** Writes what it finds to the volume, and exits with 3 on SIGTERM. */
const script = `
  trap 'exit 3' TERM
  { cat /v/in /f; [ ! -e /dev/disk ] || { head -c 6 /dev/disk; echo; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; }; } >/v/out 2>&1
  [ -e /dev/disk ] && echo 2>/dev/null >/dev/disk && echo 'the device is writable' >>/v/out
  echo ready
  while :; do sleep 0.1; done`;

describe('docker with programs of Kata Containers 1.x', function () {
  this.timeout(300_000);
  const loops = new LoopDevices();
  let directory = '';
  let device = '';
  let syslog: Server;
  let runtimeOf: (mixture: Mixture) => string;
  let engine: Engine | undefined;
  const file = (name: string): string => join(directory, name);

  before(async () => {
    assert.deepEqual(leftovers(), []);
    directory = mkdtempSync(join(tmpdir(), 'kata-mix-'));
    runtimeOf = await prepareRuntimes(directory);
    syslog = await startSyslog();
    writeFileSync(file('disk'), 'sector');
    device = await loops.attach(file('disk'), 8);
    mkdirSync(file('volume'));
    writeFileSync(file('volume/in'), 'volume\n');
    writeFileSync(file('a file'), 'file\n');
  });
  after(async () => {
    await loops.close();
    syslog.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  afterEach(async () => {
    await engine?.stop();
    engine = undefined;
  });

  for (const mixture of mixtures) {
    it(nameOf(mixture), async () => {
      const runtime = runtimeOf(mixture);
      engine = await Engine.start({ mixed: runtime }, 'mixed');
      const docker = (...args: string[]): Promise<string> => good((engine as Engine).docker(args));
      const volumes = ['-v', `${file('volume')}:/v`, '-v', `${file('a file')}:/f:ro`];
      rmSync(file('volume/out'), { force: true });
      const plugged = canPlug(mixture) ? ['-m', '64m', '--device', `${device}:/dev/disk:r`] : [];
      await docker('run', '-d', '--name', 'mixed', ...plugged, ...volumes, 'busybox', 'sh', '-c', script);
      await until('the first process has written', async () => (await docker('logs', 'mixed')) === 'ready\n');
      assert.equal(readFileSync(file('volume/out'), 'utf8'), `volume\nfile\n${canPlug(mixture) ? `sector\n${64 << 20}\n` : ''}`);
      if (mixture.agent === 'ours') assert.equal(await docker('exec', 'mixed', 'cat', '/v/in'), 'volume\n');
      await docker('stop', 'mixed');
      assert.equal(await docker('inspect', '--format', '{{.State.ExitCode}}', 'mixed'), '3\n');
      await docker('rm', 'mixed');
      if (!canPlug(mixture)) return;
      const mount = ['sh', '-c', 'mount -t tmpfs none /tmp && cat /proc/self/mounts | grep -c " /tmp tmpfs"'];
      assert.equal(await docker('run', '--rm', '--privileged', 'busybox', ...mount), '1\n');
    });
  }
});

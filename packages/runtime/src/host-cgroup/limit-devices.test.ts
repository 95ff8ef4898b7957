import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import type { Call } from '@kata-containers/common/kernel/recording-kernel';
import { openSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { blockDevice, qemuDevices } from './device-rules.ts';
import { limitDevices, limitsDevices, withDevice } from './limit-devices.ts';

/** Plain directories with the files that are written; tests as root check the kernel's behaviour. */
describe('device limits', () => {
  let root = '';
  let calls: Call[];
  let kernel: Kernel;
  const directories = (): string[] => [join(root, 'cpu'), join(root, 'all')];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'devices-'));
    for (const directory of directories()) mkdirSync(directory);
    ({ kernel, calls } = recordingKernel({ loadDeviceProgram: () => openSync('/dev/null', 'r') }));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const put = (file: string): void => writeFileSync(join(root, 'all', file), '');
  const read = (file: string): string => readFileSync(join(root, 'all', file), 'latin1');
  const rules = qemuDevices({ makesNodes: false });
  const extra = blockDevice({ major: 7, minor: 3 });

  it('version 1: all devices are denied before QEMU is moved; a device can be allowed temporarily', async () => {
    put('devices.allow');
    assert.equal(limitsDevices(directories()), false);
    await limitDevices({ directories: directories(), pid: 17, rules }, kernel);
    assert.deepEqual([read('qemu/devices.deny'), read('qemu/cgroup.procs')], ['a', '17']);
    assert.equal(limitsDevices(directories()), true);
    const during = await withDevice({ directories: directories(), rules, extra }, kernel, () =>
      Promise.resolve(read('qemu/devices.allow')),
    );
    assert.deepEqual([during, read('qemu/devices.deny')], ['b 7:3 rw', 'b 7:3 rw']);
    assert.deepEqual(calls, []);
  });

  it("version 2: a program for QEMU's cgroup and its vCPUs', both threaded", async () => {
    put('cgroup.controllers');
    await limitDevices({ directories: directories(), pid: 17, rules }, kernel);
    assert.deepEqual([read('qemu/cgroup.type'), read('vcpus/cgroup.type'), read('qemu/cgroup.procs')], ['threaded', 'threaded', '17']);
    const names = (): unknown[] => calls.splice(0).map(([name]) => name);
    assert.deepEqual(names(), ['loadDeviceProgram', 'attachDeviceProgram', 'attachDeviceProgram']);
    const act = (): Promise<unknown[]> => Promise.reject(new Error(names().join(' ')));
    await assert.rejects(withDevice({ directories: directories(), rules, extra }, kernel, act), {
      message: 'loadDeviceProgram attachDeviceProgram attachDeviceProgram',
    });
    assert.deepEqual(names(), ['loadDeviceProgram', 'attachDeviceProgram', 'attachDeviceProgram'], 'also after a failure');
  });

  it('fail on a host without the devices controller', () =>
    assert.rejects(limitDevices({ directories: directories(), pid: 17, rules }, kernel), {
      message: 'the host has no devices cgroup',
    }));

  it('are skipped for a QEMU without limits', async () =>
    assert.equal(await withDevice({ directories: directories(), rules, extra }, kernel, () => Promise.resolve(7)), 7));
});

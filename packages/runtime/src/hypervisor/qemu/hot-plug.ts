/** Hot-plugs vCPUs and memory, and unplugs vCPUs (QEMU, docs/system/cpu-hotplug, docs/memory-hotplug). */
import { QmpError } from '@kata-containers/common/errors/kata-error';
import type { QmpClient } from '../qmp/qmp-client.ts';
import { awaitDeleted } from './await-deleted.ts';
import { backendValues } from './memory-backend-plan.ts';
import type { MemoryBackend } from './memory-backend-plan.ts';
import { freeCpuId } from './parse-vm-size.ts';
import type { CpuSlot } from './parse-vm-size.ts';
import type { VmSize } from './vm-size.ts';

/** Plugs up to `count` vCPUs; skips slots that QEMU refuses. @returns the number of plugged vCPUs */
export async function plugCpus(monitor: QmpClient, { cpus }: VmSize, count: number): Promise<number> {
  const there = [...cpus];
  let plugged = 0;
  for (const [index, slot] of cpus.entries()) {
    if (plugged === count) break;
    if (slot.state !== 'empty') continue;
    const id = freeCpuId(there);
    try {
      await monitor.execute('device_add', { driver: slot.type, id, ...slot.place });
    } catch (error) {
      if (error instanceof QmpError) continue;
      throw error;
    }
    there[index] = { ...slot, state: { id } };
    plugged++;
  }
  return plugged;
}

/** Unplugs `count` hot-plugged vCPUs, the last one first. @throws QmpError, TimeoutError when the guest does not release a vCPU */
export async function unplugCpus(monitor: QmpClient, { cpus }: VmSize, count: number, timeoutMs: number): Promise<void> {
  const number = ({ state }: CpuSlot): number => (typeof state === 'object' ? Number(state.id.replace('cpu-', '')) : -1);
  const plugged = cpus.filter(({ state }) => typeof state === 'object').sort((a, b) => number(b) - number(a));
  for (const { state } of plugged.slice(0, count)) if (typeof state === 'object') await awaitDeleted(monitor, state.id, timeoutMs);
}

/** Plugs one memory device of `mebibytes`, with the same kind of backend as the VM's memory. @throws QmpError, with nothing left in QEMU */
export async function plugMemory(monitor: QmpClient, { slots }: VmSize, mebibytes: number, kind: MemoryBackend | undefined): Promise<void> {
  const slot = Math.max(-1, ...slots) + 1;
  const backend = `mem${slot}`;
  await monitor.execute('object-add', backendValues(kind, backend, mebibytes * 2 ** 20));
  try {
    await monitor.execute('device_add', { driver: 'pc-dimm', id: `dimm${backend}`, memdev: backend });
  } catch (error) {
    await monitor.execute('object-del', { id: backend }).catch(() => {}); // the first error is reported
    throw error;
  }
}

/** The size of a VM, read from QEMU: hot-plugged CPUs and memory are recorded nowhere else. */
import type { QmpClient } from '../qmp/qmp-client.ts';
import { parseCpuSlots, parseDimmSlots } from './parse-vm-size.ts';
import type { CpuSlot } from './parse-vm-size.ts';

const MIB = 2 ** 20;

export interface VmSize {
  /** All slots for vCPUs, in QEMU's order. */
  readonly cpus: readonly CpuSlot[];
  /** Memory that the VM was started with, and hot-plugged memory, in MiB. */
  readonly baseMiB: number;
  readonly pluggedMiB: number;
  /** Numbers of the memory slots in use. */
  readonly slots: readonly number[];
}

interface MemorySummary {
  readonly 'base-memory'?: number;
  readonly 'plugged-memory'?: number;
}

/** The image of the guest (an NVDIMM) also uses a memory slot, but is not counted as memory. @throws QmpError */
export async function readVmSize(monitor: QmpClient): Promise<VmSize> {
  const [cpus, memory, dimms] = await Promise.all([
    monitor.execute('query-hotpluggable-cpus'),
    monitor.execute('query-memory-size-summary'),
    monitor.execute('query-memory-devices'),
  ]);
  const { 'base-memory': base = 0 } = memory as MemorySummary;
  const devices = parseDimmSlots(dimms);
  const plugged = devices.filter(({ isMemory }) => isMemory).reduce((total, { bytes }) => total + bytes, 0);
  return { cpus: parseCpuSlots(cpus), baseMiB: base / MIB, pluggedMiB: plugged / MIB, slots: devices.map(({ slot }) => slot) };
}

interface CpuRow {
  readonly 'thread-id'?: number;
}

/** Ids of the vCPU threads, in QEMU's PID namespace. @throws QmpError */
export async function cpuThreads(monitor: QmpClient): Promise<number[]> {
  const rows = (await monitor.execute('query-cpus-fast')) as readonly CpuRow[];
  return rows.flatMap(({ 'thread-id': thread }) => (thread === undefined ? [] : [thread]));
}

/** Converts the message's limits to config.json's, which `crun update` reads too. Pure. */
import type { LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources } from '@kata-containers/common/generated/oci';
import type { DeviceCgroup, Resources } from '@kata-containers/common/oci/spec';
import { availableCpus } from './available-cpus.ts';

/** Zero means "not set": the message cannot distinguish the two. */
const given = (value: bigint): bigint | undefined => (value === 0n ? undefined : value);

/** Drops undefined values and empty objects. */
function compact<T extends object>(fields: T): T | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}

/** Without kernel memory: current kernels have no limit for it. */
const memoryConfig = (memory: LinuxMemory) =>
  compact({
    limit: given(memory.Limit),
    reservation: given(memory.Reservation),
    swap: given(memory.Swap),
    swappiness: given(memory.Swappiness),
    disableOOMKiller: memory.DisableOOMKiller || undefined,
  });

const cpuConfig = (cpu: LinuxCPU, online: string) =>
  compact({
    shares: given(cpu.Shares),
    quota: given(cpu.Quota),
    period: given(cpu.Period),
    realtimeRuntime: given(cpu.RealtimeRuntime),
    realtimePeriod: given(cpu.RealtimePeriod),
    cpus: cpu.Cpus === '' ? undefined : availableCpus(cpu.Cpus, online),
    mems: cpu.Mems === '' ? undefined : cpu.Mems,
  });

function blockIoConfig(io: LinuxBlockIO) {
  const rates = (devices: LinuxBlockIO['ThrottleReadBpsDevice']) =>
    devices.length === 0 ? undefined : devices.map(({ Major, Minor, Rate }) => ({ major: Major, minor: Minor, rate: Rate }));
  return compact({
    weight: io.Weight || undefined,
    throttleReadBpsDevice: rates(io.ThrottleReadBpsDevice),
    throttleWriteBpsDevice: rates(io.ThrottleWriteBpsDevice),
    throttleReadIOPSDevice: rates(io.ThrottleReadIOPSDevice),
    throttleWriteIOPSDevice: rates(io.ThrottleWriteIOPSDevice),
  });
}

/** A negative number is any number, and so is the major number 0, which no device has. */
function deviceRules({ Devices }: LinuxResources): DeviceCgroup[] {
  return Devices.map(({ Allow, Type, Major, Minor, Access }) => ({
    allow: Allow,
    access: Access,
    ...(Type !== '' && Type !== 'a' && { type: Type }),
    ...(Major > 0n && { major: Major }),
    ...(Major > 0n && Minor >= 0n && { minor: Minor }),
  }));
}

/** `online` is the guest's list of CPUs, as /sys/devices/system/cpu/online has it. */
export function resourcesConfig(message: LinuxResources, online: string): Resources {
  const { Memory, CPU, Pids, BlockIO, HugepageLimits } = message;
  const [memory, cpu] = [Memory && memoryConfig(Memory), CPU && cpuConfig(CPU, online)];
  const blockIO = BlockIO && blockIoConfig(BlockIO);
  const devices = deviceRules(message);
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(blockIO && { blockIO }),
    // A new cgroup has no limit; crun 1.8 writes -1 literally, which the kernel refuses.
    ...(Pids && Pids.Limit > 0n && { pids: { limit: Pids.Limit } }),
    ...(devices.length > 0 && { devices }),
    ...(HugepageLimits.length > 0 && {
      hugepageLimits: HugepageLimits.map(({ Pagesize, Limit }) => ({ pageSize: Pagesize, limit: Limit })),
    }),
  } as Resources;
}

/** A container's statistics as `events` prints them: runc's form (types/events.go), zeros left out where Go's omitempty does. Pure. */
import type {
  BlkioStatsEntry,
  CgroupStats,
  CpuStats,
  HugetlbStats,
  MemoryData,
  MemoryStats,
} from '@kata-containers/common/generated/agent';

type Value = bigint | string | object;
type Fields = Readonly<Record<string, Value>>;

const isZero = (value: Value): boolean => value === 0n || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

function withoutZeros(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isZero(value)));
}

function cpu({ cpu_usage: usage, throttling_data: throttling }: Partial<CpuStats>): object {
  return {
    usage: {
      ...withoutZeros({ total: usage?.total_usage ?? 0n, percpu: usage?.percpu_usage ?? [] }),
      kernel: usage?.usage_in_kernelmode ?? 0n,
      user: usage?.usage_in_usermode ?? 0n,
    },
    throttling: withoutZeros({
      periods: throttling?.periods ?? 0n,
      throttledPeriods: throttling?.throttled_periods ?? 0n,
      throttledTime: throttling?.throttled_time ?? 0n,
    }),
  };
}

function memoryEntry({ usage = 0n, max_usage = 0n, failcnt = 0n, limit = 0n }: Partial<MemoryData>): object {
  return { limit, ...withoutZeros({ usage, max: max_usage }), failcnt };
}

function memory({ cache = 0n, usage, swap_usage, kernel_usage, stats = {} }: Partial<MemoryStats>): object {
  return {
    ...withoutZeros({ cache }),
    usage: memoryEntry(usage ?? {}),
    swap: memoryEntry(swap_usage ?? {}),
    kernel: memoryEntry(kernel_usage ?? {}),
    kernelTCP: memoryEntry({}),
    ...withoutZeros({ raw: stats }),
  };
}

const blockEntries = (entries: readonly BlkioStatsEntry[] = []): object[] =>
  entries.map(({ major, minor, op, value }) => withoutZeros({ major, minor, op, value }));

function blockIo(stats: CgroupStats['blkio_stats']): object {
  return withoutZeros({
    ioServiceBytesRecursive: blockEntries(stats?.io_service_bytes_recursive),
    ioServicedRecursive: blockEntries(stats?.io_serviced_recursive),
    ioQueueRecursive: blockEntries(stats?.io_queued_recursive),
    ioServiceTimeRecursive: blockEntries(stats?.io_service_time_recursive),
    ioWaitTimeRecursive: blockEntries(stats?.io_wait_time_recursive),
    ioMergedRecursive: blockEntries(stats?.io_merged_recursive),
    ioTimeRecursive: blockEntries(stats?.io_time_recursive),
    sectorsRecursive: blockEntries(stats?.sectors_recursive),
  });
}

const hugePages = ({ usage, max_usage, failcnt }: HugetlbStats): object => ({ ...withoutZeros({ usage, max: max_usage }), failcnt });

/** The `data` of a `stats` event. */
export function statsMessage(stats: CgroupStats): object {
  const { current = 0n, limit = 0n } = stats.pids_stats ?? {};
  return {
    cpu: cpu(stats.cpu_stats ?? {}),
    memory: memory(stats.memory_stats ?? {}),
    pids: withoutZeros({ current, limit }),
    blkio: blockIo(stats.blkio_stats),
    hugetlb: Object.fromEntries(Object.entries(stats.hugetlb_stats).map(([size, pages]) => [size, hugePages(pages)])),
    intel_rdt: {},
  };
}

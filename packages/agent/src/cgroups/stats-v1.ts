/** Statistics from the files of cgroups v1: the fields and units of runc's cgroups/fs. */
import type { BlkioStats, CgroupStats, CpuStats, HugetlbStats, MemoryData, MemoryStats } from '@kata-containers/common/generated/agent';
import { UNLIMITED, parseBlockTable, parseNumber, parseNumbers, parseTable } from './parse-cgroup-files.ts';
import type { GroupFiles, ReadFile } from './group-files.ts';

/** cpuacct.stat counts in clock ticks; user space sees 100 a second. */
const NANOSECONDS_A_TICK = 10_000_000n;

function cpu(read: ReadFile): CpuStats {
  const ticks = parseTable(read('cpuacct', 'cpuacct.stat'));
  const throttling = parseTable(read('cpu', 'cpu.stat'));
  return {
    cpu_usage: {
      total_usage: parseNumber(read('cpuacct', 'cpuacct.usage')),
      percpu_usage: parseNumbers(read('cpuacct', 'cpuacct.usage_percpu')),
      usage_in_kernelmode: (ticks['system'] ?? 0n) * NANOSECONDS_A_TICK,
      usage_in_usermode: (ticks['user'] ?? 0n) * NANOSECONDS_A_TICK,
    },
    throttling_data: {
      periods: throttling['nr_periods'] ?? 0n,
      throttled_periods: throttling['nr_throttled'] ?? 0n,
      throttled_time: throttling['throttled_time'] ?? 0n,
    },
  };
}

function memoryData(read: ReadFile, prefix: string): MemoryData {
  const number = (name: string): bigint => parseNumber(read('memory', `${prefix}.${name}`));
  return {
    usage: number('usage_in_bytes'),
    max_usage: number('max_usage_in_bytes'),
    failcnt: number('failcnt'),
    limit: number('limit_in_bytes'),
  };
}

function memory(read: ReadFile): MemoryStats {
  const stats = parseTable(read('memory', 'memory.stat'));
  return {
    cache: stats['cache'] ?? 0n,
    usage: memoryData(read, 'memory'),
    swap_usage: memoryData(read, 'memory.memsw'),
    kernel_usage: memoryData(read, 'memory.kmem'),
    use_hierarchy: parseNumber(read('memory', 'memory.use_hierarchy')) === 1n,
    stats,
  };
}

/** The throttling counters exist with every scheduler; CFQ's own were removed with CFQ. */
function blockIo(read: ReadFile): BlkioStats {
  const table = (name: string) => parseBlockTable(read('blkio', name));
  return {
    io_service_bytes_recursive: table('blkio.throttle.io_service_bytes_recursive'),
    io_serviced_recursive: table('blkio.throttle.io_serviced_recursive'),
    io_queued_recursive: table('blkio.io_queued_recursive'),
    io_service_time_recursive: table('blkio.io_service_time_recursive'),
    io_wait_time_recursive: table('blkio.io_wait_time_recursive'),
    io_merged_recursive: table('blkio.io_merged_recursive'),
    io_time_recursive: table('blkio.time_recursive'),
    sectors_recursive: table('blkio.sectors_recursive'),
  };
}

function hugePages({ read, pageSizes }: GroupFiles): Record<string, HugetlbStats> {
  const number = (size: string, name: string): bigint => parseNumber(read('hugetlb', `hugetlb.${size}.${name}`));
  const rows = pageSizes.map((size) => [
    size,
    { usage: number(size, 'usage_in_bytes'), max_usage: number(size, 'max_usage_in_bytes'), failcnt: number(size, 'failcnt') },
  ]);
  return Object.fromEntries(rows) as Record<string, HugetlbStats>;
}

export function statsV1(files: GroupFiles): CgroupStats {
  const { read } = files;
  const limit = parseNumber(read('pids', 'pids.max'));
  return {
    cpu_stats: cpu(read),
    memory_stats: memory(read),
    pids_stats: { current: parseNumber(read('pids', 'pids.current')), limit: limit === UNLIMITED ? 0n : limit },
    blkio_stats: blockIo(read),
    hugetlb_stats: hugePages(files),
  };
}

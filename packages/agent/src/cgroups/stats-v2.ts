/** Statistics from the files of cgroups v2, converted to the fields of v1 as in runc's cgroups/fs2. */
import type { BlkioStats, CgroupStats, CpuStats, HugetlbStats, MemoryStats } from '@kata-containers/common/generated/agent';
import { UNLIMITED, parseIoStat, parseNumber, parseTable } from './parse-cgroup-files.ts';
import type { GroupFiles, ReadFile } from './group-files.ts';

const NANOSECONDS_A_MICROSECOND = 1000n;

function cpu(read: ReadFile): CpuStats {
  const stat = parseTable(read('cpu', 'cpu.stat'));
  const time = (key: string): bigint => (stat[key] ?? 0n) * NANOSECONDS_A_MICROSECOND;
  return {
    cpu_usage: {
      total_usage: time('usage_usec'),
      percpu_usage: [],
      usage_in_kernelmode: time('system_usec'),
      usage_in_usermode: time('user_usec'),
    },
    throttling_data: {
      periods: stat['nr_periods'] ?? 0n,
      throttled_periods: stat['nr_throttled'] ?? 0n,
      throttled_time: time('throttled_usec'),
    },
  };
}

function memory(read: ReadFile): MemoryStats {
  const number = (name: string): bigint => parseNumber(read('memory', name));
  const events = parseTable(read('memory', 'memory.events'));
  const [usage, limit] = [number('memory.current'), number('memory.max')];
  const [swap, swapLimit] = [number('memory.swap.current'), number('memory.swap.max')];
  const stats = parseTable(read('memory', 'memory.stat'));
  return {
    cache: stats['file'] ?? 0n,
    usage: { usage, max_usage: number('memory.peak'), failcnt: events['max'] ?? 0n, limit },
    // Version 1 counts memory and swap together.
    swap_usage: {
      usage: usage + swap,
      max_usage: 0n,
      failcnt: 0n,
      limit: limit === UNLIMITED || swapLimit === UNLIMITED ? UNLIMITED : limit + swapLimit,
    },
    kernel_usage: { usage: stats['kernel'] ?? 0n, max_usage: 0n, failcnt: 0n, limit: 0n },
    use_hierarchy: true,
    stats,
  };
}

function blockIo(read: ReadFile): BlkioStats {
  const text = read('io', 'io.stat');
  return {
    io_service_bytes_recursive: parseIoStat(text, { rbytes: 'Read', wbytes: 'Write', dbytes: 'Discard' }),
    io_serviced_recursive: parseIoStat(text, { rios: 'Read', wios: 'Write', dios: 'Discard' }),
    io_queued_recursive: [],
    io_service_time_recursive: [],
    io_wait_time_recursive: [],
    io_merged_recursive: [],
    io_time_recursive: [],
    sectors_recursive: [],
  };
}

function hugePages({ read, pageSizes }: GroupFiles): Record<string, HugetlbStats> {
  const rows = pageSizes.map((size) => [
    size,
    {
      usage: parseNumber(read('hugetlb', `hugetlb.${size}.current`)),
      max_usage: 0n,
      failcnt: parseTable(read('hugetlb', `hugetlb.${size}.events`))['max'] ?? 0n,
    },
  ]);
  return Object.fromEntries(rows) as Record<string, HugetlbStats>;
}

export function statsV2(files: GroupFiles): CgroupStats {
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

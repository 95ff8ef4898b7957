/** Checks that the host has enough memory for the configuration: QEMU's error names neither key nor limit. */
import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

export interface HostMemory {
  /** Text of /proc/meminfo (proc(5)). */
  readonly meminfo: string;
  /** Text of /proc/sys/vm/overcommit_memory: "1" means that every size is granted. */
  readonly overcommit: string;
}

const readHostMemory = (): HostMemory => ({
  meminfo: readFileSync('/proc/meminfo', 'latin1'),
  overcommit: readFileSync('/proc/sys/vm/overcommit_memory', 'latin1'),
});

/** Memory and swap together: the kernel refuses a single mapping that exceeds both ("obvious overcommit"). undefined means no limit. */
export function memoryBoundMiB({ meminfo, overcommit }: HostMemory): number | undefined {
  if (overcommit.trim() === '1') return undefined;
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0);
  return Math.floor((kib('MemTotal') + kib('SwapTotal')) / KIB_PER_MIB);
}

export function memoryProblems(memoryMiB: number, host = readHostMemory()): string[] {
  const bound = memoryBoundMiB(host);
  if (bound === undefined || bound === 0 || memoryMiB <= bound) return [];
  return [`must be at most ${bound} MiB, the memory and swap of this host`];
}

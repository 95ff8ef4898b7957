/** Lists of CPUs and of memory nodes as cpuset(7) writes them: `0-3,7`. Pure. */

/** More than any known machine has. */
const MAX_CPU = 4096;

/** The CPUs of a list, or undefined when the text is not a list. */
export function parseCpuList(list: string): Set<number> | undefined {
  const cpus = new Set<number>();
  for (const part of list.trim().split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from > to || to > MAX_CPU) return undefined;
    for (let cpu = from; cpu <= to; cpu++) cpus.add(cpu);
  }
  return cpus;
}

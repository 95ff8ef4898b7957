/** Lists of CPUs as cpuset(7) writes them: `0-3,7`. Pure. */

/** More than any guest has. */
const MAX_CPU = 4096;

/** The CPUs of a list, or undefined when it is none. */
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

/** What is asked for, if the guest has all of it; all that it has otherwise: the host's numbers mean nothing in it (1.x too). */
export function availableCpus(wanted: string, online: string): string {
  const [asked, there] = [parseCpuList(wanted), parseCpuList(online)];
  if (!asked) throw new Error(`invalid cpuset ${JSON.stringify(wanted)}`);
  return there && [...asked].every((cpu) => there.has(cpu)) ? wanted : online.trim();
}

/** Huge pages for a hugetlbfs: the kernel must reserve them before they can be used. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Parses `pagesize=<bytes>` and `size=<bytes>`, as the runtime sends them. @returns undefined when one is missing. Pure. */
export function hugePagesWanted(options: readonly string[]): { pageKiB: number; pages: number } | undefined {
  const parts = options.flatMap((option) => option.split(','));
  const bytes = (key: string): number => Number(parts.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1) ?? Number.NaN);
  const [page, size] = [bytes('pagesize'), bytes('size')];
  if (!(page > 0) || !(size >= 0)) return undefined;
  return { pageKiB: page / 1024, pages: Math.floor(size / page) };
}

/** @throws Error when the guest does not have that much contiguous memory */
export function reserveHugePages(options: readonly string[], root = '/sys/kernel/mm/hugepages'): void {
  const wanted = hugePagesWanted(options);
  if (!wanted) throw new Error('hugetlbfs needs the options pagesize and size');
  const file = `${root}/hugepages-${wanted.pageKiB}kB/nr_hugepages`;
  writeFileSync(file, String(wanted.pages));
  const got = Number(readFileSync(file, 'latin1'));
  if (got < wanted.pages) throw new Error(`the guest has ${got} huge pages of ${wanted.pageKiB} KiB, ${wanted.pages} are requested`);
}

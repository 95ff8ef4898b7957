/** Which part of a bind mount is read-only: `top` without the mounts below it (`ro`), `all` with them (`rro`, mount_setattr(2)). */
export type ReadOnlyPart = 'none' | 'top' | 'all';

/** As in runc, the last of opposite options is decisive. */
export function readOnlyPart(options: readonly string[] = []): ReadOnlyPart {
  const last = (first: string, second: string): string | undefined => options.findLast((option) => option === first || option === second);
  if (last('rro', 'rrw') === 'rro') return 'all';
  return last('ro', 'rw') === 'ro' ? 'top' : 'none';
}

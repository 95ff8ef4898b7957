/** Recognises the kata-shim that reports its start and waits for its process (`report` and `begin` of ShimDuties). */
import { readFileSync, statSync } from 'node:fs';
import { WAITING_SHIM } from '@kata-containers/common/command-lines/shim-command-line';

/** Our launcher has 0.7 MB; 1.x's shim has 10 MB, which are not read. */
const MAX_BYTES = 2 << 20;

/** Whether `path` is such a shim: 1.x's shim does not report, so to wait for its report would delay each command. */
export function isWaitingShim(path: string): boolean {
  try {
    const kind = statSync(path);
    return kind.isFile() && kind.size <= MAX_BYTES && readFileSync(path).includes(WAITING_SHIM);
  } catch {
    return false; // the error of its start names it
  }
}

/** Compares QEMU, kernel and image of a running sandbox with the files that a new sandbox would use. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Configuration } from '../configuration/schema.ts';
import { parseCommandLine } from '../hypervisor/qemu/parse-command-line.ts';
import { commandLineOf, programOf } from '../processes/process-use.ts';

/** Paths; empty when unknown, because the VM has ended. */
export interface Assets {
  readonly hypervisor: string;
  readonly kernel: string;
  readonly image: string;
}

export function runningAssets(qemuPid: number): Assets {
  const { kernel, image } = parseCommandLine(commandLineOf(qemuPid));
  return { hypervisor: programOf(qemuPid) ?? '', kernel, image };
}

export function configuredAssets({ hypervisor }: Configuration): Assets {
  return { hypervisor: hypervisor.path, kernel: hypervisor.kernel, image: hypervisor.image || hypervisor.initrd };
}

/** Size of the pieces in which files are read. */
const PIECE_BYTES = 1 << 20;

/** True for two files with the same bytes; false when one cannot be read. */
function haveSameContents(one: string, other: string): boolean {
  const files: number[] = [];
  try {
    for (const path of [one, other]) files.push(openSync(path, 'r'));
    const [a = -1, b = -1] = files;
    if (fstatSync(a).size !== fstatSync(b).size) return false;
    const [left, right] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)];
    for (;;) {
      const [read, alsoRead] = [readSync(a, left), readSync(b, right)];
      if (read !== alsoRead || !left.subarray(0, read).equals(right.subarray(0, read))) return false;
      if (read === 0) return true;
    }
  } catch {
    return false;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Times of processes are known to a second. */
const SLACK_MS = 1000;

/** True when the file was replaced after the VM had started. Packages set mtime, but no program sets ctime. */
function hasChanged(path: string, startedMs: number): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined || file.ctimeMs > startedMs + SLACK_MS;
}

/**
 * 1.x's names of the files that a new sandbox would use with other contents. `startedMs`: start of the VM, in milliseconds since 1970;
 * undefined when unknown.
 */
export function staleAssets(running: Assets, configured: Assets, startedMs?: number): string[] {
  return (['kernel', 'image'] as const).filter((name) => {
    if (running[name] === '') return false;
    if (running[name] === configured[name]) return startedMs !== undefined && hasChanged(running[name], startedMs);
    return !haveSameContents(running[name], configured[name]);
  });
}

import { outputOf } from '@kata-containers/common/process/output-of';
import type { Reaper } from './reaper.ts';

/** Longer than any program takes in an emulated guest, and than the host waits for it with KVM. */
const TIMEOUT_MS = 60_000;

/** Runs a program of the guest with `input` on stdin. @returns its stdout. @throws KataError with its stderr, TimeoutError */
export async function runProgram(reaper: Reaper, program: string, args: readonly string[], input = ''): Promise<string> {
  return outputOf(reaper.spawn(program, args, { stdio: 'pipe' }), { input, timeoutMs: TIMEOUT_MS });
}

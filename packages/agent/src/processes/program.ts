import { outputOf } from '@kata-containers/common/process/output-of';
import type { Reaper } from './reaper.ts';

/** Longer than any of them takes in an emulated guest, and than its caller on the host waits for it with KVM. */
const TIMEOUT_MS = 60_000;

/** Runs a program of the guest with `input` on stdin and gives its stdout. @throws KataError with what it said, TimeoutError */
export async function runProgram(reaper: Reaper, program: string, args: readonly string[], input = ''): Promise<string> {
  return outputOf(reaper.spawn(program, args, { stdio: 'pipe' }), { input, timeoutMs: TIMEOUT_MS });
}

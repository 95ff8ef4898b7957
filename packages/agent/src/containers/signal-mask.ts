import { readFileSync } from 'node:fs';

/** Whether the process whose /proc/PID/status this is has a handler for `signal` (SigCgt, proc(5)). Pure. */
export function catchesSignal(procStatus: string, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(procStatus)?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Whether `signal` would do nothing to the process, if that is the first of its PID namespace. */
export function isDeafTo(pid: number, signal: number): boolean {
  try {
    return !catchesSignal(readFileSync(`/proc/${pid}/status`, 'latin1'), signal);
  } catch {
    return true;
  }
}

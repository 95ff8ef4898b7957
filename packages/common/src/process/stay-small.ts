import { setFlagsFromString } from 'node:v8';

/**
 * For a process that passes bytes on, and of which a host has many: V8 neither optimizes code that is cheap as it is, nor keeps
 * threads with memory of their own for that and for collecting. Flags that may be set at any time; call it first of all.
 */
export function staySmall(): void {
  for (const flag of ['--no-opt', '--no-maglev', '--single-threaded-gc']) setFlagsFromString(flag);
}

import { setFlagsFromString } from 'node:v8';

/**
 * For a process that passes bytes on, and of which a host has many: V8 neither optimizes code that is cheap as it is, nor keeps
 * threads with memory of their own for that and for collecting, nor lets the space for young objects grow. Flags that may be set
 * at any time. Call it once all modules are loaded: V8 takes no code that was made with other flags, Node's own neither, and
 * would compile anew what is loaded later.
 */
export function limitV8Memory(): void {
  for (const flag of ['--no-opt', '--no-maglev', '--single-threaded-gc', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
}

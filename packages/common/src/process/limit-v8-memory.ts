import { isBun } from './engine.ts';

/**
 * Saves memory in processes that only copy bytes, of which a host has many: V8 does not optimize code, keeps no threads for compiling and
 * for garbage collection, and does not grow the young generation. The flags may be set at any time. Call it once all modules are loaded:
 * V8 rejects cached code that was compiled with other flags, Node's own too, and would compile modules that are loaded later again. On Bun
 * there is nothing to do: launch.c sets what JavaScriptCore reads at its start.
 */
export function limitV8Memory(): void {
  if (isBun) return;
  const { setFlagsFromString } = process.getBuiltinModule('node:v8'); // which Bun does not need
  for (const flag of ['--no-opt', '--no-maglev', '--single-threaded-gc', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
}

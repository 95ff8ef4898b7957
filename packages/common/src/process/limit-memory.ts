declare const Bun: { shrink(): void };

/** Most processes of short containers have ended by then: they spend no time on this. */
const SETTLED_MS = 10_000;

/**
 * Saves memory in processes that run as long as a container, of which a host has many: returns once what the start of the program needed
 * and its waiting does not, about a fifth. launch.c sets what JavaScriptCore reads at its start.
 */
export function limitMemory(): void {
  setTimeout(() => Bun.shrink(), SETTLED_MS).unref();
}

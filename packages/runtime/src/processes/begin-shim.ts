/** Lets a shim relay its process, at a time that does not hide the end of the shim from the engine. */
import type { StartedShim } from './launch-shim.ts';

/**
 * `attached`: this process waits for the shim. Any other shim begins when this process exits: the JS engine reaps a child that ends before,
 * and the engine that inherits the shim (containerd's shim, conmon) would wait for its end forever.
 */
export function beginShim(shim: Pick<StartedShim, 'begin'>, attached: boolean): void {
  if (attached) shim.begin();
  else process.once('exit', () => shim.begin());
}

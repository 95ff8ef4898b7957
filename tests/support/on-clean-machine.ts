import assert from 'node:assert/strict';
import { leftovers } from './leftovers.ts';

/**
 * Starts an engine before the tests of the suite that is being described, and stops it after them. Fails when the machine has leftovers of
 * sandboxes before or after that.
 */
export function onCleanMachine(start: () => Promise<{ stop(): Promise<void> }>): void {
  let engine: { stop(): Promise<void> } | undefined;
  before(async () => {
    assert.deepEqual(leftovers(), [], 'the machine is clean before');
    engine = await start();
  });
  after(async () => {
    await engine?.stop();
    assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
  });
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { DRAIN_MS, Output } from './output.ts';

/** Advances the mocked time, and lets the due check of the output run. */
async function pass(milliseconds: number): Promise<void> {
  mock.timers.tick(milliseconds);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('output of an ended process', () => {
  let directory: string;
  let output: Output;
  let child: number;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-output-'));
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    output = new Output(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    child = openSync(path, constants.O_WRONLY); // a background child that keeps the pipe open open
  });
  afterEach(() => {
    mock.timers.reset();
    output.close();
    closeSync(child);
    rmSync(directory, { recursive: true });
  });

  it('is returned if a busy guest polls late', async () => {
    writeSync(child, 'tail');
    output.endWhenQuiet();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    assert.equal(String(await output.read(100)), 'tail');
    assert.equal(await output.read(100), undefined);
  });

  it('continues while the pipe has data and ends after a silence', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    output.endWhenQuiet();
    const pieces = [];
    for (let index = 0; index < 3; index++) {
      writeSync(child, String(index));
      pieces.push(String(await output.read(100)));
      await pass(DRAIN_MS);
    }
    assert.deepEqual(pieces, ['0', '1', '2']);
    const end = output.read(100);
    await pass(DRAIN_MS);
    assert.equal(await end, undefined);
  });

  it('is followed at once by the exit code', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    writeSync(child, 'tail');
    output.endWhenQuiet();
    assert.equal(String(await output.read(2)), 'ta');
    let isDone = false;
    const all = output.readByAll(60_000).then(() => (isDone = true));
    await pass(DRAIN_MS);
    await pass(DRAIN_MS);
    assert.equal(isDone, false);
    assert.equal(String(await output.read(100)), 'il');
    await pass(DRAIN_MS);
    await pass(DRAIN_MS);
    assert.equal(await output.read(100), undefined);
    await all;
  });

  it('does not delay the exit code if the reader has disconnected', async () => {
    writeSync(child, 'tail');
    await output.read(2);
    const start = performance.now();
    await output.readByAll(100);
    assert.ok(performance.now() - start >= 99);
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Output } from './output.ts';

describe('Output of a process that has ended', () => {
  let directory: string;
  let output: Output;
  let child: number;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-output-'));
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    output = new Output(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    child = openSync(path, constants.O_WRONLY); // a background child that keeps the pipe
  });
  afterEach(() => {
    output.close();
    closeSync(child);
    rmSync(directory, { recursive: true });
  });

  it('is given although the guest was too busy to look in time', async () => {
    writeSync(child, 'tail');
    output.endWhenQuiet();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    assert.equal(String(await output.read(100)), 'tail');
    assert.equal(await output.read(100), undefined);
  });

  it('goes on while something comes, and ends when nothing does', async () => {
    output.endWhenQuiet();
    const pieces = [];
    for (let index = 0; index < 3; index++) {
      writeSync(child, String(index));
      pieces.push(String(await output.read(100)));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.deepEqual([...pieces, await output.read(100)], ['0', '1', '2', undefined]);
  });

  it('the exit code is given the moment that the last byte was read', async () => {
    writeSync(child, 'tail');
    output.endWhenQuiet();
    assert.equal(String(await output.read(2)), 'ta');
    let isTold = false;
    const all = output.readByAll(60_000).then(() => (isTold = true));
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(isTold, false);
    assert.equal(String(await output.read(100)), 'il');
    assert.equal(await output.read(100), undefined);
    await all;
  });

  it('is not waited for when its reader has gone away', async () => {
    writeSync(child, 'tail');
    await output.read(2);
    const start = performance.now();
    await output.readByAll(100);
    assert.ok(performance.now() - start >= 99);
  });
});

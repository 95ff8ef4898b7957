import assert from 'node:assert/strict';
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { awaitBegin } from './await-begin.ts';

describe('awaitBegin', () => {
  it('waits for a byte, and closes the pipe', async () => {
    const [reading, writing] = linuxKernel.pipe(0);
    const begun = awaitBegin(reading);
    let isDone = false;
    void begun.then(() => (isDone = true));
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    writeSync(writing, '1');
    assert.equal(await begun, true);
    assert.throws(() => writeSync(writing, '1'), /EPIPE/);
    closeSync(writing);
  });
  it('a byte before the runtime closes the pipe', async () => {
    const [reading, writing] = linuxKernel.pipe(0);
    writeSync(writing, '1');
    closeSync(writing);
    assert.equal(await awaitBegin(reading), true);
  });
  it('a runtime that has ended', async () => {
    const [reading, writing] = linuxKernel.pipe(0);
    const begun = awaitBegin(reading);
    closeSync(writing);
    assert.equal(await begun, false);
    assert.throws(() => fstatSync(reading), /EBADF/);
  });
  it('a runtime that does not request to wait', async () => assert.equal(await awaitBegin(undefined), true));
});

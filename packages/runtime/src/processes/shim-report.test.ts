import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { awaitShimReport } from './shim-report.ts';

describe('awaitShimReport', () => {
  const cases: [name: string, text: string, outcome: string][] = [
    ['a pipe that is closed', '', 'started'],
    ['an error', 'the process cannot be confined', 'kata-shim did not start: the process cannot be confined'],
    ['a longer error than 1024 characters', 'x'.repeat(2000), `kata-shim did not start: ${'x'.repeat(1024)}`],
  ];
  for (const [name, text, outcome] of cases)
    it(name, async () => {
      const [reading, writing] = linuxKernel.pipe(0);
      const report = awaitShimReport(reading, 60_000);
      writeSync(writing, text);
      closeSync(writing);
      assert.equal(await report.then(() => 'started', (error: Error) => error.message), outcome); // prettier-ignore
    });
  it('a shim of 1.x, which keeps the pipe open', async () => {
    const [reading, writing] = linuxKernel.pipe(0);
    await awaitShimReport(reading, 20);
    closeSync(writing);
  });
});

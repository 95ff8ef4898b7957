import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { awaitShimReport } from './shim-report.ts';

const outcome = (report: Promise<void>): Promise<string> => report.then(() => 'started', (error: Error) => error.message); // prettier-ignore

describe('awaitShimReport', () => {
  const cases: [name: string, text: string, expected: string][] = [
    ['a shim that has started', 'started', 'started'],
    ['an error', 'the process cannot be confined', 'kata-shim did not start: the process cannot be confined'],
    ['a longer error than 1024 characters', 'x'.repeat(2000), `kata-shim did not start: ${'x'.repeat(1024)}`],
    ['a shim that has ended', '', 'kata-shim did not start: it has ended, or hangs'],
  ];
  for (const [name, text, expected] of cases)
    it(name, async () => {
      const [reading, writing] = linuxKernel.pipe(0);
      const report = awaitShimReport(reading, 60_000);
      writeSync(writing, text);
      closeSync(writing);
      assert.equal(await outcome(report), expected);
    });
  it('a shim that does not report in time', async () => {
    const [reading, writing] = linuxKernel.pipe(0);
    assert.equal(await outcome(awaitShimReport(reading, 20)), 'kata-shim did not start: it has ended, or hangs');
    closeSync(writing);
  });
});

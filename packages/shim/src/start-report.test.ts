import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { startReport } from './start-report.ts';
import type { StartReport } from './start-report.ts';

describe('startReport', () => {
  const cases: [name: string, text: string, act: (report: StartReport) => void][] = [
    ['success', 'started', (report) => report.succeeded()],
    ['a failure', 'why', (report) => report.failed(new Error('why'))],
    [
      'a failure after success, which is no failure of the start',
      'started',
      (report) => (report.succeeded(), report.failed(new Error('why'))),
    ],
  ];
  for (const [name, text, act] of cases)
    it(name, () => {
      const [reading, writing] = linuxKernel.pipe(0);
      act(startReport(writing));
      assert.equal(readFileSync(reading, 'utf8'), text); // ends because the pipe is closed
      closeSync(reading);
    });
  it('a runtime that has ended', () => {
    const [reading, writing] = linuxKernel.pipe(0);
    closeSync(reading);
    startReport(writing).failed(new Error('why'));
  });
  it('a runtime that requests no report', () => startReport(undefined).failed(new Error('why')));
});

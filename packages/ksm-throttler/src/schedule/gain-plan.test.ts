import assert from 'node:assert/strict';
import { judge } from './gain-plan.ts';
import type { Gain, GainVerdict } from './gain-plan.ts';

const MIB = 1 << 20;
const gain = (fullScans: number, mib: number): Gain => ({ fullScans, savedBytes: mib * MIB });

describe('the decision about saved memory', () => {
  const cases: [name: string, since: Gain, now: Gain, verdict: GainVerdict][] = [
    ['no round yet', gain(7, 100), gain(7, 100), 'too early'],
    ['two rounds: a page may have been visited once', gain(7, 100), gain(9, 100), 'too early'],
    ['three rounds without gain', gain(7, 100), gain(10, 100), 'fruitless'],
    ['three rounds for less than a MiB', gain(7, 100), gain(10, 100.9), 'fruitless'],
    ['three rounds, and less than before: guests have written', gain(7, 100), gain(10, 60), 'fruitless'],
    ['a MiB', gain(7, 100), gain(10, 101), 'earning'],
    ['a large gain before the end of the first round', gain(7, 0), gain(7, 50), 'earning'],
    ['the bookkeeping of the first round', gain(0, 0), gain(1, -20), 'too early'],
    ['the bookkeeping has paid off', gain(0, -20), gain(3, -2), 'earning'],
    ['a kernel that does not count rounds', gain(0, 0), gain(0, 0), 'too early'],
  ];
  for (const [name, since, now, verdict] of cases) it(name, () => assert.equal(judge(since, now), verdict));
});

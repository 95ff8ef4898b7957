import assert from 'node:assert/strict';
import { scanRates } from '../schedule/schedule-plan.ts';
import { anonKiB, pagesToScan, tunedValues, writesBetween } from './tuning-plan.ts';
import type { KsmValues } from './tuning-plan.ts';

describe('pages in one batch', () => {
  const cases: [name: string, anonymousKiB: number, divisor: number, pageBytes: number, pages: number][] = [
    ['aggressive, 4 GB', 4_000_000, scanRates.aggressive.divisor, 4096, 100_000],
    ['standard, 4 GB', 4_000_000, scanRates.standard.divisor, 4096, 10_000],
    ['slow, 4 GB', 4_000_000, scanRates.slow.divisor, 4096, 2000],
    ['rounded down', 4_000_039, 10, 4096, 100_000],
    ['1 TiB', 1 << 30, 10, 4096, 26_843_545],
    ['large pages', 4_000_000, 10, 65_536, 6250],
    ['hardly any memory', 100, 100, 4096, 1],
    ['none: the kernel refuses a batch of 0', 0, 10, 4096, 1],
  ];
  for (const [name, anonymousKiB, divisor, pageBytes, pages] of cases)
    it(name, () => assert.equal(pagesToScan(anonymousKiB, divisor, pageBytes), pages));
});

describe('AnonPages', () => {
  const cases: [name: string, meminfo: string, kib: number][] = [
    ["the kernel's text", 'MemTotal:       24683872 kB\nAnonPages:        123456 kB\nAnonHugePages:         0 kB\n', 123456],
    ['missing', 'MemTotal:       24683872 kB\n', 0],
    ['not taken from another line', 'NotAnonPages:  7 kB\n', 0],
  ];
  for (const [name, meminfo, kib] of cases) it(name, () => assert.equal(anonKiB(meminfo), kib));
});

describe('the values of a mode', () => {
  const host: KsmValues = { run: '0', pages_to_scan: '100', sleep_millisecs: '20' };
  it('contain the batch and the pause', () =>
    assert.deepEqual(tunedValues(scanRates.slow, 4_000_000, host), { run: '1', pages_to_scan: '2000', sleep_millisecs: '100' }));
  it('disable the advisor', () =>
    assert.equal(tunedValues(scanRates.slow, 4_000_000, { ...host, advisor_mode: 'scan-time' }).advisor_mode, 'none'));
});

describe('writes', () => {
  const values = (run: string, pages_to_scan: string, sleep_millisecs: string, advisor_mode?: string): KsmValues => ({
    run,
    pages_to_scan,
    sleep_millisecs,
    ...(advisor_mode !== undefined && { advisor_mode }),
  });
  const cases: [name: string, from: KsmValues, to: KsmValues, writes: string][] = [
    ['merging starts last', values('0', '100', '20'), values('1', '5000', '1'), 'pages_to_scan=5000 sleep_millisecs=1 run=1'],
    ['merging continues', values('1', '5000', '1'), values('1', '500', '10'), 'pages_to_scan=500 sleep_millisecs=10'],
    ['merging stops first', values('1', '500', '10'), values('0', '100', '20'), 'run=0 pages_to_scan=100 sleep_millisecs=20'],
    ['a host that had unmerged', values('1', '500', '10'), values('2', '100', '20'), 'run=0 pages_to_scan=100 sleep_millisecs=20 run=2'],
    ['a host that merges', values('1', '5000', '1'), values('1', '100', '20'), 'pages_to_scan=100 sleep_millisecs=20'],
    ['nothing differs', values('1', '100', '20'), values('1', '100', '20'), ''],
    ['only run differs', values('0', '100', '20'), values('1', '100', '20'), 'run=1'],
    [
      'the advisor is disabled before the value that it refuses and has overwritten',
      values('1', '100', '20', 'scan-time'),
      values('1', '100', '20', 'none'),
      'advisor_mode=none pages_to_scan=100',
    ],
    [
      'the advisor is restored',
      values('1', '5000', '1', 'none'),
      values('0', '500', '20', 'scan-time'),
      'run=0 pages_to_scan=500 sleep_millisecs=20 advisor_mode=scan-time',
    ],
    ['no advisor, before and after', values('0', '100', '20', 'none'), values('1', '100', '1', 'none'), 'sleep_millisecs=1 run=1'],
  ];
  for (const [name, from, to, writes] of cases)
    it(name, () =>
      assert.equal(
        writesBetween(from, to)
          .map((write) => write.join('='))
          .join(' '),
        writes,
      ),
    );
});

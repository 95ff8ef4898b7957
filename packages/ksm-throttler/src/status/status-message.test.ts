import assert from 'node:assert/strict';
import { statusMessage } from './status-message.ts';
import type { Status } from './status-message.ts';

const running: Status = {
  daemon: {
    initial: { run: '0', pages_to_scan: '100', sleep_millisecs: '20' },
    pid: 4711,
    startTime: '1',
    mode: 'aggressive',
    next: 'standard',
    endsAt: '2020-01-01T00:00:30Z',
    atKick: { savedBytes: 100 << 20, ksmdSeconds: 10 },
  },
  isAlive: true,
  values: { run: '1', pages_to_scan: '20000', sleep_millisecs: '1' },
  merged: { kept: 1000, saved: 76_800, profitBytes: 290 << 20, fullScans: 12 },
  ksmdSeconds: 14.25,
  now: new Date('2020-01-01T00:00:18Z'),
};

describe('the status', () => {
  it('of a running daemon', () =>
    assert.equal(
      statusMessage(running),
      [
        'throttler:    running, pid 4711',
        'mode:         aggressive, standard in 12 s',
        'merging:      on, 20000 pages every 1 ms',
        'pages shared: 76800 freed, 1000 shared copies kept',
        "memory saved: 300.0 MiB, 290.0 MiB net of the kernel's bookkeeping",
        'cost:         14.3 s of CPU by ksmd since boot',
        'last kick:    +190.0 MiB for 4.3 s of CPU',
        '',
      ].join('\n'),
    ));

  const { daemon } = running;
  const cases: [name: string, change: Partial<Status>, line: RegExp][] = [
    ['no daemon', { daemon: undefined }, /^throttler: {4}not running\nmode: {9}none$/m],
    ['a killed daemon', { isAlive: false }, /^throttler: .*pid 4711 was killed.*-restore/m],
    [
      'at rest',
      { daemon: daemon && { initial: daemon.initial, pid: 1, startTime: '1', mode: 'initial' } },
      /^mode: .*initial \(the host's own values\), until the next sandbox$/m,
    ],
    [
      'off',
      { values: { ...running.values, run: '0' } },
      /^merging: .*off: what is merged stays merged.*run=0[^]*^memory saved: 300\.0 MiB when last scanned, 290/m,
    ],
    ['unmerged', { values: { ...running.values, run: '2' } }, /^merging: .*everything unmerged \(run=2\)/m],
    ['an advisor', { values: { ...running.values, advisor_mode: 'scan-time' } }, /^merging: .*advisor \(scan-time\)/m],
    ['a kernel without a profit value', { merged: { ...running.merged, profitBytes: undefined } }, /^memory saved: 300\.0 MiB$/m],
    ['ksmd not visible', { ksmdSeconds: undefined }, /^cost: .*unknown/m],
    ['less than before', { merged: { ...running.merged, profitBytes: 90 << 20 } }, /^last kick: {4}-10\.0 MiB/m],
  ];
  for (const [name, change, line] of cases) it(name, () => assert.match(statusMessage({ ...running, ...change }), line));
});

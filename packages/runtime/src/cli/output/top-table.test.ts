import assert from 'node:assert/strict';
import type { SandboxUsage } from '../../sandbox/sandbox-usage.ts';
import { ratesOf, sizeText, topTable } from './top-table.ts';

const MIB = 1 << 20;
const usage = (id: string, changes: Partial<SandboxUsage> = {}): SandboxUsage => ({
  ...{ id, containers: 1, isRunning: true, startedMs: 0, vcpus: 2, accelerator: 'kvm', oomKills: 0 },
  ...{ hostCpuMs: 1000, hostMemoryBytes: 175 * MIB, hostDiskBytes: 100, guest: { cpuMs: 500, memoryBytes: 40 * MIB, networkBytes: 1000 } },
  ...changes,
});

describe('ratesOf', () => {
  const before = { timeMs: 0, sandboxes: [usage('a')] };
  it('returns CPU per cent and bytes per second', () => {
    const guest = { cpuMs: 1000, memoryBytes: MIB, networkBytes: 3000 };
    const [rates] = ratesOf(before, { timeMs: 2000, sandboxes: [usage('a', { hostCpuMs: 2000, hostDiskBytes: 4196, guest })] });
    assert.deepEqual(
      [rates?.hostCpuPercent, rates?.guestCpuPercent, rates?.diskBytesPerSecond, rates?.networkBytesPerSecond],
      [50, 25, 2048, 1000],
    );
  });
  it('returns no negative rate for a counter that was reset', () =>
    assert.equal(ratesOf(before, { timeMs: 1000, sandboxes: [usage('a', { hostCpuMs: 1 })] })[0]?.hostCpuPercent, 0));
  it('returns no rates for a new sandbox', () =>
    assert.equal(ratesOf(before, { timeMs: 1000, sandboxes: [usage('b')] })[0]?.hostCpuPercent, 0));
  it('returns no rates for a guest that does not answer', () => {
    const { guest: _, ...silent } = usage('a');
    const [rates] = ratesOf(before, { timeMs: 1000, sandboxes: [silent] });
    assert.deepEqual([rates?.guestCpuPercent, rates?.hostCpuPercent, rates?.diskBytesPerSecond], [undefined, 0, 0]);
  });
});

describe('topTable', () => {
  const { guest: _, ...silent } = usage('deaf', { startedMs: 95_000, hostMemoryBytes: 1.5 * MIB });
  const busy = {
    ...usage('0123456789abcdef', { oomKills: 3, name: 'a-name-of-twenty-two-c' }),
    hostCpuPercent: 152.4,
    guestCpuPercent: 9.96,
    diskBytesPerSecond: 12_345_678,
  };
  const rates = [
    { ...silent, hostCpuPercent: 0, diskBytesPerSecond: 4096 },
    { ...busy, networkBytesPerSecond: 0 },
  ];
  const table = topTable(rates, 100_000);
  it('lists the busiest sandbox first, in columns', () =>
    assert.equal(
      table,
      [
        'ID            AGE CTRS VCPU  CPU% GUEST%   MEM GUEST DISK/s NET/s OOM NAME',
        '0123456789ab   1m    1    2   152   10.0  175M   40M    12M     0   3 a-name-of-twenty-two-c',
        'deaf           5s    1    2   0.0      -  1.5M     -   4.0K     -   0 -',
        '',
      ].join('\n'),
    ));
  it('has no rates for one sample alone', () =>
    assert.equal(
      topTable([usage('0123456789ab'), silent], 100_000).replace(/^.*\n/, ''),
      [
        '0123456789ab   1m    1    2     -      -  175M   40M      -     -   0 -',
        'deaf           5s    1    2     -      -  1.5M     -      -     -   0 -',
        '',
      ].join('\n'),
    ));
  it('cuts names at the width of the terminal, and shows where', () =>
    assert.deepEqual(
      topTable(rates, 100_000, 80)
        .split('\n')
        .map((row) => row.slice(69)),
      [' NAME', ' a-name-of+', ' -', ''],
    ));
  it('shows a sandbox without QEMU', () =>
    assert.match(
      topTable([{ ...usage('0123456789abcdef', { isRunning: false }), hostCpuPercent: 0, diskBytesPerSecond: 0 }], 0),
      /^0123456789ab dead {4}1/m,
    ));
});

describe('sizeText', () => {
  for (const [bytes, text] of [
    [0, '0'],
    [1023, '1023'],
    [1536, '1.5K'],
    [175 * MIB, '175M'],
    [2 ** 40, '1.0T'],
  ] as const)
    it(`${bytes} are ${text}`, () => assert.equal(sizeText(bytes), text));
});

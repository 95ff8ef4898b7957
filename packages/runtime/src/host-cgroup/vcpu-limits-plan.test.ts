import assert from 'node:assert/strict';
import { vcpuLimitWrites, wholeLimitWrites } from './vcpu-limits-plan.ts';

const limits = { quota: 50_000, period: 20_000, shares: 1024 };
const none = { quota: 0, period: 0, shares: 0 };

describe('vcpuLimitWrites', () => {
  const cases: [name: string, version: 1 | 2, given: typeof limits, threads: number[], writes: string[]][] = [
    [
      'version 1',
      1,
      limits,
      [7, 8],
      [
        'cpu.shares=1024',
        'vcpus/cpu.cfs_quota_us=-1',
        'vcpus/cpu.cfs_period_us=20000',
        'vcpus/cpu.cfs_quota_us=50000',
        'vcpus/tasks=7',
        'vcpus/tasks=8',
      ],
    ],
    ['version 1, no limits', 1, none, [7], ['vcpus/cpu.cfs_quota_us=-1', 'vcpus/tasks=7']],
    [
      'version 2',
      2,
      limits,
      [7],
      ['cpu.weight=39', 'vcpus/cgroup.type=threaded', 'cgroup.subtree_control=+cpu', 'vcpus/cpu.max=50000 20000', 'vcpus/cgroup.threads=7'],
    ],
    ['version 2, no limits', 2, none, [], ['vcpus/cgroup.type=threaded', 'cgroup.subtree_control=+cpu', 'vcpus/cpu.max=max 100000']],
  ];
  for (const [name, version, given, threads, writes] of cases)
    it(name, () =>
      assert.deepEqual(
        vcpuLimitWrites(version, given, threads).map((write) => write.join('=')),
        writes,
      ),
    );

  const weights: [shares: number, weight: string][] = [
    [2, '1'],
    [1024, '39'],
    [262_144, '10000'],
    [1, '1'],
    [1e9, '10000'],
  ];
  for (const [shares, weight] of weights)
    it(`${shares} shares are weight ${weight}`, () =>
      assert.deepEqual(vcpuLimitWrites(2, { ...none, shares }, [])[0], ['cpu.weight', weight]));
});

describe('wholeLimitWrites', () => {
  const writes = (version: 1 | 2, given: typeof limits, memory: number): string[] =>
    wholeLimitWrites(version, given, memory).map((write) => write.join('='));
  it('version 1', () =>
    assert.deepEqual(writes(1, limits, 4096), [
      ...['cpu.shares=1024', 'cpu.cfs_quota_us=-1', 'cpu.cfs_period_us=20000', 'cpu.cfs_quota_us=50000'],
      'memory.limit_in_bytes=4096',
    ]));
  it('version 1, no limits', () => assert.deepEqual(writes(1, none, 0), ['cpu.cfs_quota_us=-1', 'memory.limit_in_bytes=-1']));
  it('version 2', () => assert.deepEqual(writes(2, limits, 4096), ['cpu.weight=39', 'cpu.max=50000 20000', 'memory.max=4096']));
  it('version 2, no limits', () => assert.deepEqual(writes(2, none, 0), ['cpu.max=max 100000', 'memory.max=max']));
});

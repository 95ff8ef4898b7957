import assert from 'node:assert/strict';
import type { Resources } from '@kata-containers/common/oci/spec';
import { extraMemoryMiB, extraVcpus, hostLimits, isUnlimited, limitsOf, noLimits, updatedLimits } from './limits-plan.ts';

const cpu = (quota: number, period = 100_000): Resources => ({ cpu: { quota, period } });
const cpus = (list: string): Resources => ({ cpu: { cpus: list } });
const memory = (limit: number | bigint): Resources => ({ memory: { limit } });
const MIB = 1 << 20;

describe('extraVcpus', () => {
  const cases: [name: string, resources: Resources[], expected: number][] = [
    ['no containers', [], 0],
    ['no limits', [{}], 0],
    ['--cpus 1', [cpu(100_000)], 1],
    ['--cpus 1.5', [cpu(150_000)], 2],
    ['--cpus 0.01', [cpu(1000)], 1],
    ['a quota without a period', [{ cpu: { quota: 250_000 } }], 3],
    ['another period', [cpu(40_000, 20_000)], 2],
    ['halves add up before they are rounded', [cpu(50_000), cpu(50_000)], 1],
    ['a container without a limit needs no vCPU', [cpu(-1), cpu(100_000)], 1],
    ['a CPU set', [cpus('0-2,7')], 4],
    ['a CPU set named twice', [cpus('0-1'), cpus('1-2')], 3],
    ['a quota takes precedence over CPU sets', [cpus('0-7'), cpu(100_000)], 1],
    ['an invalid CPU set', [cpus('x')], 0],
  ];
  for (const [name, resources, expected] of cases) it(name, () => assert.equal(extraVcpus(resources.map(limitsOf)), expected));
});

describe('extraMemoryMiB', () => {
  const cases: [name: string, resources: Resources[], expected: number][] = [
    ['no limits', [{}, memory(-1)], 0],
    ['limits add up', [memory(500 * MIB), memory(12 * MIB)], 512],
    ['part of a MiB is dropped', [memory(MIB + 1), memory(MIB - 1)], 1],
    ['the number that engines use for no limit', [memory(9223372036854771712n)], 0],
    ['huge pages count', [{ ...memory(MIB), hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] }], 5],
  ];
  for (const [name, resources, expected] of cases) it(name, () => assert.equal(extraMemoryMiB(resources.map(limitsOf)), expected));
});

describe('updatedLimits', () => {
  const before = limitsOf({ cpu: { quota: 50_000, period: 100_000, shares: 512, cpus: '0' }, memory: { limit: MIB } });
  const cases: [name: string, update: Resources, expected: object][] = [
    ['nothing', {}, {}],
    ['zeros', { cpu: { quota: 0, cpus: '' }, memory: { limit: 0n } }, {}],
    ['a quota', cpu(200_000, 0), { quota: 200_000 }],
    ['a removed quota', cpu(-1), { quota: 0 }],
    ['memory and a CPU set', { ...memory(2n * 1048576n), cpu: { cpus: '1' } }, { memoryBytes: 2 * MIB, cpus: '1' }],
  ];
  for (const [name, update, expected] of cases) it(name, () => assert.deepEqual(updatedLimits(before, update), { ...before, ...expected }));
});

describe('hostLimits', () => {
  const host = (...resources: Resources[]): object => hostLimits(resources.map(limitsOf));
  const none = { quota: 0, period: 0, shares: 0, cpus: '', mems: '' };
  it('are unset without containers or limits', () => assert.deepEqual([host(), host({})], [none, none]));
  it('equal the limits of a single container', () => {
    const limits = { quota: 50_000, period: 100_000, shares: 512, cpus: '0-1', mems: '0' };
    assert.deepEqual(host({ cpu: limits }), limits);
  });
  it('are the sum of quotas with different periods', () =>
    assert.deepEqual(host(cpu(50_000), cpu(10_000, 10_000)), { ...none, quota: 150_000, period: 100_000 }));
  it('have no quota if one container has no quota', () => assert.deepEqual(host(cpu(50_000), {}), { ...none, period: 100_000 }));
  it('have the union of the CPU sets', () => assert.deepEqual(host(cpus('0'), cpus('2-3')), { ...none, cpus: '0,2-3' }));
  it('isFree', () => assert.deepEqual([isUnlimited([]), isUnlimited([noLimits]), isUnlimited([limitsOf(memory(1))])], [true, true, false]));
});

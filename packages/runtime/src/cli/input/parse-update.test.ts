import assert from 'node:assert/strict';
import { parseMemory, parseResources, resourcesOfOptions } from './parse-update.ts';

describe('parseMemory', () => {
  const cases: [text: string, bytes: bigint | undefined][] = [
    ['0', 0n],
    ['1000', 1000n],
    ['64m', 67108864n],
    ['1.5G', 1610612736n],
    ['2kb', 2048n],
    ['2KiB', 2048n],
    ['-1', -1n],
    ['-2', undefined],
    ['m', undefined],
    ['1x', undefined],
    ['', undefined],
  ];
  for (const [text, bytes] of cases) it(`"${text}"`, () => assert.equal(parseMemory(text), bytes));
});

describe('resourcesOfOptions', () => {
  it('changes nothing without options', () => {
    const { memory, cpu, pids } = resourcesOfOptions({});
    assert.deepEqual([...Object.values(memory ?? {}), pids?.limit], [0n, 0n, 0n, 0n, 0n, 0n]);
    assert.deepEqual(Object.values(cpu ?? {}), [0n, 0n, 0n, 0n, 0n, '', '']);
  });
  it('converts every option', () => {
    const options = {
      ...{ memory: '64m', memoryReservation: '32m', memorySwap: '-1', kernelMemory: '1k', kernelMemoryTcp: '2k' },
      ...{ cpuShare: '512', cpuQuota: '-1', cpuPeriod: '100000', cpuRtRuntime: '1', cpuRtPeriod: '2', cpusetCpus: '0-1', cpusetMems: '0' },
      ...{ blkioWeight: '300', pidsLimit: '20' },
    };
    assert.deepEqual(resourcesOfOptions(options), {
      memory: { limit: 67108864n, reservation: 33554432n, swap: -1n, kernel: 1024n, kernelTCP: 2048n },
      cpu: { shares: 512n, quota: -1n, period: 100000n, realtimeRuntime: 1n, realtimePeriod: 2n, cpus: '0-1', mems: '0' },
      blockIO: { weight: 300n },
      pids: { limit: 20n },
    });
  });
  const wrong: [options: Record<string, string>, text: string][] = [
    [{ memory: 'much' }, "invalid value for memory: invalid size: 'much'"],
    [{ cpuPeriod: '-1' }, 'invalid value for cpu-period: "-1" is not a whole number from 0'],
    [{ cpuQuota: '1.5' }, 'invalid value for cpu-quota: "1.5" is not a whole number'],
    [
      { cpuShare: '18446744073709551616' },
      'invalid value for cpu-share: "18446744073709551616" is out of range (at most 18446744073709551615)',
    ],
  ];
  for (const [options, text] of wrong)
    it(text, () => assert.throws(() => resourcesOfOptions(options), { name: 'UsageError', message: text }));
});

describe('parseResources', () => {
  it('accepts the JSON of engines with 64-bit numbers', () => {
    const text = '{"memory":{"limit":9223372036854771712,"swap":-1},"cpu":{"quota":50000,"period":100000,"cpus":""},"pids":{"limit":null}}';
    assert.deepEqual(parseResources(text), {
      memory: { limit: 9223372036854771712n, swap: -1 },
      cpu: { quota: 50000, period: 100000, cpus: '' },
      pids: {},
    });
  });
  const wrong: [text: string, complaint: RegExp][] = [
    ['', /not JSON/],
    ['[]', /^the resources must be an object$/],
    ['null', /^the resources must be an object$/],
    ['{"memory":{"limit":"64m"}}', /^the resources do not match the OCI specification: memory\.limit must be an integer, from -/],
    ['{"cpu":{"quota":1.5}}', /: cpu\.quota must be an integer/],
    ['{"cpu":{"cpus":0}}', /: cpu\.cpus must be a string$/],
    ['{"blockIO":{"weight":"x"}}', /: blockIO\.weight must be an integer/],
    ['{"memory":[]}', /: memory must be an object$/],
    ['{"hugepageLimits":{}}', /: hugepageLimits must be a list$/],
  ];
  for (const [text, complaint] of wrong)
    it(`refuses ${text || 'nothing'}`, () => assert.throws(() => parseResources(text), { message: complaint }));
});

import assert from 'node:assert/strict';
import { CgroupStats } from '@kata-containers/common/generated/agent';
import { exactJson } from '../bundle/exact-json.ts';
import { statsMessage } from './stats-message.ts';

const ZERO = '{"limit":0,"failcnt":0}';

describe('statsMessage', () => {
  it('contains the fields that Go always writes for empty statistics', () => {
    assert.equal(
      exactJson(statsMessage(CgroupStats.fromPartial({}))),
      `{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},` +
        `"memory":{"usage":${ZERO},"swap":${ZERO},"kernel":${ZERO},"kernelTCP":${ZERO}},"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{}}`,
    );
  });
  it("has runc's names and exact 64-bit numbers", () => {
    const stats = CgroupStats.fromPartial({
      cpu_stats: {
        cpu_usage: { total_usage: 30n, percpu_usage: [10n, 20n], usage_in_kernelmode: 1n, usage_in_usermode: 2n },
        throttling_data: { periods: 3n, throttled_periods: 2n, throttled_time: 1n },
      },
      memory_stats: { cache: 5n, usage: { usage: 6n, max_usage: 7n, failcnt: 8n, limit: 2n ** 64n - 1n }, stats: { rss: 9n } },
      pids_stats: { current: 4n, limit: 10n },
      blkio_stats: { io_service_bytes_recursive: [{ major: 8n, minor: 0n, op: 'Read', value: 4096n }] },
      hugetlb_stats: { '2MB': { usage: 1n, max_usage: 2n, failcnt: 0n } },
    });
    assert.equal(
      exactJson(statsMessage(stats)),
      '{"cpu":{"usage":{"total":30,"percpu":[10,20],"kernel":1,"user":2},"throttling":{"periods":3,"throttledPeriods":2,"throttledTime":1}},' +
        `"memory":{"cache":5,"usage":{"limit":18446744073709551615,"usage":6,"max":7,"failcnt":8},"swap":${ZERO},"kernel":${ZERO},` +
        `"kernelTCP":${ZERO},"raw":{"rss":9}},"pids":{"current":4,"limit":10},` +
        '"blkio":{"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":4096}]},"hugetlb":{"2MB":{"usage":1,"max":2,"failcnt":0}},"intel_rdt":{}}',
    );
  });
});

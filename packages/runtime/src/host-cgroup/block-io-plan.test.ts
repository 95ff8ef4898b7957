import assert from 'node:assert/strict';
import { hasWeights, throttleWrites, weightWrites } from './block-io-plan.ts';

const on = (minor: number, rate: number) => ({ major: 8, minor, rate });

describe('limits of block I/O', () => {
  const limits = {
    throttleReadBpsDevice: [on(0, 1000), on(16, 2000)],
    throttleWriteBpsDevice: [on(0, 3000)],
    throttleReadIOPSDevice: [on(0, 10)],
    throttleWriteIOPSDevice: [on(0, 20)],
  };
  it('version 1: a file for each limit', () =>
    assert.deepEqual(throttleWrites(1, limits), [
      ['blkio.throttle.read_bps_device', '8:0 1000'],
      ['blkio.throttle.read_bps_device', '8:16 2000'],
      ['blkio.throttle.write_bps_device', '8:0 3000'],
      ['blkio.throttle.read_iops_device', '8:0 10'],
      ['blkio.throttle.write_iops_device', '8:0 20'],
    ]));
  it('version 2: one file', () =>
    assert.deepEqual(
      throttleWrites(2, limits).map(([file, value]) => `${file} ${value}`),
      ['io.max 8:0 rbps=1000', 'io.max 8:16 rbps=2000', 'io.max 8:0 wbps=3000', 'io.max 8:0 riops=10', 'io.max 8:0 wiops=20'],
    ));
  it('include weights of all devices and of one device', () => {
    const weights = { weight: 300, weightDevice: [{ major: 8, minor: 0, weight: 500 }] };
    assert.deepEqual(weightWrites(1, weights), [
      ['blkio.bfq.weight', '300'],
      ['blkio.bfq.weight_device', '8:0 500'],
    ]);
    assert.deepEqual(weightWrites(2, weights), [
      ['io.bfq.weight', '300'],
      ['io.bfq.weight', '8:0 500'],
    ]);
    assert.deepEqual([hasWeights(weights), hasWeights({ weight: 0 }), hasWeights({})], [true, false, false]);
  });
});

import assert from 'node:assert/strict';
import { MinorGcPacer } from './minor-gc-pacer.ts';

describe('MinorGcPacer', () => {
  it('keeps the buffers of a long transfer from accumulating', () => {
    const { arrayBuffers: before } = process.memoryUsage(); // buffers of other tests are not counted
    const garbage = new MinorGcPacer(1 << 20);
    for (let piece = 0; piece < 2000; piece++) garbage.count(Buffer.allocUnsafeSlow(65536).length);
    const held = process.memoryUsage().arrayBuffers - before;
    assert.ok(held < 32 << 20, `${held >> 20} MiB are held`);
  });
});

import assert from 'node:assert/strict';
import { YoungGarbage } from './young-garbage.ts';

describe('YoungGarbage', () => {
  it('keeps the buffers of a long transfer from piling up', () => {
    const garbage = new YoungGarbage(1 << 20);
    for (let piece = 0; piece < 2000; piece++) garbage.count(Buffer.allocUnsafeSlow(65536).length);
    const { arrayBuffers } = process.memoryUsage();
    assert.ok(arrayBuffers < 32 << 20, `${arrayBuffers >> 20} MiB are held`);
  });
});

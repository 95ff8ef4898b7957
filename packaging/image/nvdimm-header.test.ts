import assert from 'node:assert/strict';
import { fletcher64, imageHead, masterBootRecord, pfnSuperblock } from './nvdimm-header.ts';

describe('fletcher64', () => {
  it('combines the sum of the words and the sum of the partial sums', () => {
    const block = Buffer.alloc(8);
    block.writeUInt32LE(1, 0);
    block.writeUInt32LE(2, 4);
    assert.equal(fletcher64(block), (4n << 32n) | 3n);
  });
  it('wraps at 32 bits', () => assert.equal(fletcher64(Buffer.from('ffffffff02000000', 'hex')) & 0xffffffffn, 1n));
});

describe('image head', () => {
  it('computes the checksum of the PFN superblock with a checksum field of zero', () => {
    const block = pfnSuperblock();
    const sum = block.readBigUInt64LE(4088);
    block.writeBigUInt64LE(0n, 4088);
    assert.equal(fletcher64(block), sum);
    assert.equal(block.toString('latin1', 0, 16), 'NVDIMM_PFN_INFO\0');
    assert.deepEqual([block.readBigUInt64LE(56), block.readUInt32LE(72), block.readUInt32LE(84)], [2097152n, 1, 2097152]);
  });
  it('describes the same partition in both partition tables', () => {
    const head = imageHead(64 << 20);
    const start = (offset: number): number => head.readUInt32LE(offset + 454) * 512 + offset;
    assert.deepEqual([start(0), start(2 << 20)], [3 << 20, 3 << 20]);
    assert.deepEqual([head.readUInt32LE(458), head.readUInt32LE((2 << 20) + 458)], [131072, 131072]);
  });
  it('ends a partition table with the signature 55 AA', () =>
    assert.deepEqual([...masterBootRecord(512, 512).subarray(510)], [0x55, 0xaa]));
});

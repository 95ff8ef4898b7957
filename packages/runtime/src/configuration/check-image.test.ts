import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOfPartition, imageProblems } from './check-image.ts';

/** An MBR whose first partition has these sectors. */
function mbr(start: number, length: number): Buffer {
  const head = Buffer.alloc(512);
  head.writeUInt32LE(start, 454);
  head.writeUInt32LE(length, 458);
  head.set([0x55, 0xaa], 510);
  return head;
}

describe('bytesOfPartition', () => {
  it('is the end of the partition', () => assert.equal(bytesOfPartition(mbr(6144, 2048)), 8192 * 512));
  it('is 0 without a partition table', () => assert.equal(bytesOfPartition(Buffer.alloc(512)), 0));
  it('is 0 for a file that is shorter than a sector', () => assert.equal(bytesOfPartition(Buffer.from('x')), 0));
});

describe('a guest image', () => {
  let directory = '';
  let image = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'image-'));
    image = join(directory, 'kata.img');
    writeFileSync(image, mbr(6144, 2048));
    truncateSync(image, 8192 * 512);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('that is complete has no problem', () => assert.deepEqual(imageProblems(image), []));
  it('that is truncated is reported with both sizes', () => {
    truncateSync(image, 1 << 20);
    assert.deepEqual(imageProblems(image), [`${image} is cut off: it has 1048576 bytes, its partition ends at 4194304. Install it again`]);
  });
  it('must not be a directory', () => assert.match(imageProblems(directory)[0] ?? '', /cannot be read \(EISDIR\)$/));
});

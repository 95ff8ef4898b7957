/** Whether the guest image is whole: QEMU and the guest's kernel say of a file that was cut off that it is no NVDIMM, or nothing. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

const SECTOR = 512;
/** First entry of the partition table in an MBR, and where in it first sector and length stand. */
const [ENTRY, START, LENGTH] = [446, 8, 12];
const SIGNATURE = 0xaa55;

/** Bytes that the file must have for its first partition; 0 for a file without partition table, such as a bare file system. Pure. */
export function bytesOfPartition(head: Buffer): number {
  if (head.length < SECTOR || head.readUInt16LE(SECTOR - 2) !== SIGNATURE) return 0;
  return (head.readUInt32LE(ENTRY + START) + head.readUInt32LE(ENTRY + LENGTH)) * SECTOR;
}

/** @returns nothing for a file that does not exist: that is a problem of another kind */
export function imageProblems(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(SECTOR);
      const read = readSync(fd, head, 0, SECTOR, 0);
      const [size, needed] = [fstatSync(fd).size, bytesOfPartition(head.subarray(0, read))];
      return size < needed ? [`${path} is cut off: it has ${size} bytes, its partition ends at ${needed}. Install it again`] : [];
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return [`${path} cannot be read (${errorCode(error) ?? 'unknown'})`];
  }
}

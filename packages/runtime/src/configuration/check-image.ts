/** Checks that the guest image is complete: the errors of QEMU and of the guest's kernel do not name a truncated file. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

const SECTOR = 512;
/** Offset of the first entry of an MBR's partition table, and offsets of first sector and length in it. */
const [ENTRY, START, LENGTH] = [446, 8, 12];
const SIGNATURE = 0xaa55;

/** Bytes that the file must have for its first partition; 0 for a file without partition table, such as a bare file system. Pure. */
export function bytesOfPartition(head: Buffer): number {
  if (head.length < SECTOR || head.readUInt16LE(SECTOR - 2) !== SIGNATURE) return 0;
  return (head.readUInt32LE(ENTRY + START) + head.readUInt32LE(ENTRY + LENGTH)) * SECTOR;
}

/** @returns undefined for a file that does not exist, which another check reports */
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

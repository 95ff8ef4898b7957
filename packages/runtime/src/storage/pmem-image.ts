/** Recognizes images of NVDIMMs behind the host's loop devices by the head of the file (Linux, drivers/nvdimm/pfn.h, struct nd_pfn_sb). */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { attribute, hostPlaces } from './host-disks.ts';
import type { DiskPlaces } from './host-disks.ts';
import type { PmemImage } from './pmem-plan.ts';

const SUPERBLOCK = { offset: 4096, bytes: 64 };
const SIGNATURE = 'NVDIMM_PFN_INFO\0';
/** Offset of the data offset in the superblock. */
const DATA_OFFSET = 56;

/** Offset of the data in the file; undefined when the file is not such an image. */
function dataOffset(fd: number): number | undefined {
  const head = Buffer.alloc(SUPERBLOCK.bytes);
  const length = readSync(fd, head, 0, SUPERBLOCK.bytes, SUPERBLOCK.offset);
  if (length < SUPERBLOCK.bytes || head.toString('latin1', 0, SIGNATURE.length) !== SIGNATURE) return undefined;
  return Number(head.readBigUInt64LE(DATA_OFFSET));
}

/**
 * The NVDIMM begins at the data offset of the file. Loop devices with another offset (partitions, for example) and with unreadable files
 * are attached as normal disks.
 */
export function pmemImage(number: string, { sys }: Pick<DiskPlaces, 'sys'> = hostPlaces): PmemImage | undefined {
  const loop = `${sys}/dev/block/${number}/loop`;
  const path = attribute(loop, 'backing_file');
  if (!path.startsWith('/')) return undefined;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const file = fstatSync(fd);
    if (!file.isFile() || dataOffset(fd) !== Number(attribute(loop, 'offset')) || attribute(loop, 'sizelimit') !== '0') return undefined;
    return { path, number: `file ${file.dev}:${file.ino}` };
  } finally {
    closeSync(fd);
  }
}

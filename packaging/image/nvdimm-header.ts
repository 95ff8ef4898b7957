/**
 * The head of an image file in the format of 1.x: an MBR for use as a disk, the PFN superblock of a DAX-capable NVDIMM
 * (Linux, drivers/nvdimm/pfn.h), and an MBR for the NVDIMM driver, whose device begins 2 MiB later. Pure.
 */

const MIB = 1 << 20;
export const DATA_OFFSET = 2 * MIB;
/** Offset of the root file system in the file. */
export const ROOTFS_OFFSET = 3 * MIB;
const SECTOR = 512;

/** An MBR with one Linux partition from `startBytes` of `lengthBytes`. The CHS fields refer to the LBA fields. */
export function masterBootRecord(startBytes: number, lengthBytes: number): Buffer {
  const mbr = Buffer.alloc(SECTOR);
  const entry = 446;
  mbr.set([0x00, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff], entry);
  mbr.writeUInt32LE(startBytes / SECTOR, entry + 8);
  mbr.writeUInt32LE(lengthBytes / SECTOR, entry + 12);
  mbr.set([0x55, 0xaa], 510);
  return mbr;
}

/** Fletcher's sum over 32-bit words, as nd_fletcher64 of the kernel. */
export function fletcher64(block: Buffer): bigint {
  let low = 0n;
  let high = 0n;
  for (let offset = 0; offset < block.length; offset += 4) {
    low = (low + BigInt(block.readUInt32LE(offset))) & 0xffffffffn;
    high = (high + low) & 0xffffffffffffffffn;
  }
  return ((high << 32n) | low) & 0xffffffffffffffffn;
}

/** struct nd_pfn_sb: RAM mode, data after 2 MiB, aligned to 2 MiB. Its offset in the file is 4096. */
export function pfnSuperblock(): Buffer {
  const block = Buffer.alloc(4096);
  block.write('NVDIMM_PFN_INFO\0', 0, 'latin1');
  block.writeUInt16LE(0, 52); // version_major
  block.writeUInt16LE(2, 54); // version_minor
  block.writeBigUInt64LE(BigInt(DATA_OFFSET), 56);
  block.writeUInt32LE(1, 72); // mode: RAM
  block.writeUInt32LE(DATA_OFFSET, 84); // align
  block.writeBigUInt64LE(fletcher64(block), 4088);
  return block;
}

/** The first 3 MiB of an image whose root file system has `rootfsBytes`. */
export function imageHead(rootfsBytes: number): Buffer {
  const head = Buffer.alloc(ROOTFS_OFFSET);
  masterBootRecord(ROOTFS_OFFSET, rootfsBytes).copy(head, 0);
  pfnSuperblock().copy(head, 4096);
  masterBootRecord(ROOTFS_OFFSET - DATA_OFFSET, rootfsBytes).copy(head, DATA_OFFSET);
  return head;
}

/** Options of a mount, as in mount(8): flags of the system call, and options of the file system. Pure. */
import * as ms from '@kata-containers/common/kernel/constants';

const MS_SYNCHRONOUS = 0x10;
const MS_MANDLOCK = 0x40;
const MS_DIRSYNC = 0x80;
const MS_NOATIME = 0x400;
const MS_NODIRATIME = 0x800;
const MS_STRICTATIME = 0x1000000;

/** Bits that an option sets, or clears with `clears`. */
const knownOptions: Readonly<Record<string, { bits: number; clears?: boolean }>> = {
  defaults: { bits: 0 },
  ro: { bits: ms.MS_RDONLY },
  rw: { bits: ms.MS_RDONLY, clears: true },
  nosuid: { bits: ms.MS_NOSUID },
  suid: { bits: ms.MS_NOSUID, clears: true },
  nodev: { bits: ms.MS_NODEV },
  dev: { bits: ms.MS_NODEV, clears: true },
  noexec: { bits: ms.MS_NOEXEC },
  exec: { bits: ms.MS_NOEXEC, clears: true },
  sync: { bits: MS_SYNCHRONOUS },
  dirsync: { bits: MS_DIRSYNC },
  mand: { bits: MS_MANDLOCK },
  noatime: { bits: MS_NOATIME },
  nodiratime: { bits: MS_NODIRATIME },
  relatime: { bits: ms.MS_RELATIME },
  strictatime: { bits: MS_STRICTATIME },
  remount: { bits: ms.MS_REMOUNT },
  bind: { bits: ms.MS_BIND },
  rbind: { bits: ms.MS_BIND | ms.MS_REC },
  private: { bits: ms.MS_PRIVATE },
  rprivate: { bits: ms.MS_PRIVATE | ms.MS_REC },
  shared: { bits: ms.MS_SHARED },
  rshared: { bits: ms.MS_SHARED | ms.MS_REC },
  slave: { bits: ms.MS_SLAVE },
  rslave: { bits: ms.MS_SLAVE | ms.MS_REC },
};

export function parseMountOptions(options: readonly string[]): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const known = knownOptions[option];
    if (!known) data.push(option);
    else if (known.clears === true) flags &= ~known.bits;
    else flags |= known.bits;
  }
  return { flags, data: data.join(',') };
}

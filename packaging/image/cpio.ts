/** The "newc" format that the kernel unpacks as initrd (Documentation/driver-api/early-userspace/buffer-format.rst). Pure. */

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** File type and permissions. */
  readonly mode: number;
  readonly data: Buffer;
}

const pad = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
const hex = (value: number): string => value.toString(16).padStart(8, '0');

function record({ path, mode, data }: CpioEntry, inode: number, date: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, device numbers (4), namesize, check
  const fields = [inode, mode, 0, 0, 1, date, data.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.concat([Buffer.from(`070701${fields.map(hex).join('')}`), name]);
  return Buffer.concat([head, pad(head.length), data, pad(data.length)]);
}

/** An archive of files that root owns. `date` is in seconds since 1970. */
export function cpioArchive(entries: readonly CpioEntry[], date: number): Buffer {
  const records = entries.map((entry, index) => record(entry, index + 1, date));
  return Buffer.concat([...records, record({ path: 'TRAILER!!!', mode: 0, data: Buffer.alloc(0) }, 0, 0)]);
}

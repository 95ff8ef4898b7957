/** Packs a directory into the files that QEMU loads: an ext4 image in the NVDIMM layout of 1.x, and an initrd. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, lstatSync, readlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';
import { ROOTFS_OFFSET, imageHead } from './nvdimm-header.ts';

const MIB = 1 << 20;
/** The size must be a multiple of the guest's memory section, or hot-plugged memory does not fit the following sections. */
const ALIGNMENT = 128 * MIB;
const TAIL = MIB;
/** Constant, so that builds of the same inputs have the same bytes. */
const UUID = '4b617461-0000-4000-8000-696d61676531';
const HASH_SEED = '4b617461-0000-4000-8000-686173687365';

/** Bytes of all files, each rounded up to a block, plus 0.5 % and 6 MiB for the file system's metadata. */
function neededBytes(root: string): number {
  const sum = (path: string): number =>
    readdirSync(path, { withFileTypes: true }).reduce((total, entry) => {
      const child = join(path, entry.name);
      return total + (entry.isDirectory() ? 4096 + sum(child) : Math.ceil(lstatSync(child).size / 4096) * 4096);
    }, 0);
  return Math.ceil(sum(root) * 1.005) + 6 * MIB;
}

/** Runs a program as root, of a new user namespace if necessary, so that the files belong to 0:0. */
function asRoot(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): void {
  const isRoot = process.getuid?.() === 0;
  const [command, all] = isRoot ? [program, args] : ['unshare', ['--map-root-user', '--user', program, ...args]];
  execFileSync(command, [...all], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Paths of all files below `root`, as in the image. */
function pathsBelow(root: string, below = '/'): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(root, path)] : [path];
  });
}

/** Sets the times that mke2fs copies from the files and that differ between builds. */
function setTimes(root: string, image: string, date: number, environment: NodeJS.ProcessEnv): void {
  const commands = ['/', ...pathsBelow(root)].flatMap((path) =>
    ['atime', 'ctime'].map((field) => `set_inode_field "${path}" ${field} @${date}\n`),
  );
  const target = `${image}?offset=${ROOTFS_OFFSET}`;
  // debugfs continues after an error and exits with 0: the reproducibility test detects errors.
  execFileSync('debugfs', ['-w', '-f', '-', target], { env: environment, input: commands.join(''), stdio: ['pipe', 'ignore', 'ignore'] });
}

/** Writes the image to `output`. `date` is in seconds since 1970. */
export function packImage(root: string, output: string, date: number, environment: NodeJS.ProcessEnv): void {
  const size = Math.ceil((neededBytes(root) + ROOTFS_OFFSET + TAIL) / ALIGNMENT) * ALIGNMENT;
  const rootfsBytes = size - ROOTFS_OFFSET - TAIL;
  writeFileSync(output, '');
  truncateSync(output, size);
  const options = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-m', '0', '-N', '512', '-J', 'size=4', '-U', UUID];
  const extended = `offset=${ROOTFS_OFFSET},hash_seed=${HASH_SEED},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`;
  const mkfs = [...options, '-E', extended, '-O', '^metadata_csum_seed,^resize_inode', '-d', root, output, String(rootfsBytes / 4096)];
  const fixedTime = { ...environment, E2FSPROGS_FAKE_TIME: String(date), SOURCE_DATE_EPOCH: String(date) };
  asRoot('mke2fs', mkfs, fixedTime);
  setTimes(root, output, date, fixedTime);
  const fd = openSync(output, 'r+');
  writeSync(fd, imageHead(rootfsBytes), 0, ROOTFS_OFFSET, 0);
  closeSync(fd);
}

function cpioEntries(root: string, below = ''): CpioEntry[] {
  const names = readdirSync(join(root, below)).sort();
  return names.flatMap((name): CpioEntry[] => {
    const path = below === '' ? name : `${below}/${name}`;
    const file = join(root, path);
    const found = lstatSync(file);
    if (found.isDirectory()) return [{ path, mode: 0o40755, data: Buffer.alloc(0) }, ...cpioEntries(root, path)];
    if (found.isSymbolicLink()) return [{ path, mode: 0o120777, data: Buffer.from(readlinkSync(file)) }];
    return [{ path, mode: found.mode, data: readFileSync(file) }];
  });
}

/** Writes the initrd to `output`. */
export function packInitrd(root: string, output: string, date: number): void {
  writeFileSync(output, gzipSync(cpioArchive(cpioEntries(root), date), { level: 6 }));
}

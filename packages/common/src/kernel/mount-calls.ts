import { closeSync, openSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { KernelError } from '../errors/kata-error.ts';
import { UMOUNT_NOFOLLOW } from './constants.ts';
import { packDevice } from './device-number.ts';
import { bind, check, lastErrno } from './ffi.ts';
import type { MountCalls } from './kernel.ts';

const libc = bind({
  mount: ['string', 'string', 'string', 'uint64', 'pointer'],
  umount2: ['string', 'int32'],
  pivot_root: ['string', 'string'],
  chroot: ['string'],
  fchdir: ['int32'],
  mknod: ['string', 'uint32', 'uint64'],
  sync: [],
});

/** glibc before version 2.36 has no function for this system call. */
const raw = bind({ syscall: ['int64', 'int32', 'string', 'uint32', 'pointer', 'uint64'] });
const SYS_MOUNT_SETATTR = 442n;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_NOSUID = 2n;
const MOUNT_ATTR_NODEV = 4n;
const ENOSYS = 38;
const ELOOP = 40;
/** open(2): opens a directory without using it. */
const O_PATH = 0o10000000;

const S_IFCHR = 0o020000;

/** Runs `act` with a directory as the working directory, which the JS engine does not notice. */
function inDirectory(fd: number, act: () => void): void {
  const home = openSync('.', O_PATH);
  try {
    check(libc.fchdir(fd), 'fchdir', `to fd ${fd}`);
    try {
      act();
    } finally {
      check(libc.fchdir(home), 'fchdir', `to fd ${home}`);
    }
  } finally {
    closeSync(home);
  }
}

/** mount(2), umount2(2), pivot_root(2), mount_setattr(2), chroot(2), fchdir(2), mknod(2), sync(2). */
export const mountCalls: MountCalls = {
  mount(source, target, fstype, flags, data) {
    const options = data === undefined ? null : Buffer.from(`${data}\0`);
    check(libc.mount(source, target, fstype, BigInt(flags), options), 'mount', `of ${source} on ${target}`);
  },
  umount(target, flags) {
    check(libc.umount2(target, flags), 'umount', target);
  },
  umountExactly(path) {
    const parent = openSync(dirname(path), O_PATH);
    try {
      if (readlinkSync(`/proc/self/fd/${parent}`) !== dirname(path)) throw new KernelError('umount', ELOOP, 'ELOOP', path);
      inDirectory(parent, () => check(libc.umount2(basename(path), UMOUNT_NOFOLLOW), 'umount', path));
    } finally {
      closeSync(parent);
    }
  },
  pivotRoot(newRoot, putOld) {
    check(libc.pivot_root(newRoot, putOld), 'pivot_root', newRoot);
  },
  restrictMounts(path, readonly = false) {
    const attributes = Buffer.alloc(32); // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes.writeBigUInt64LE(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (readonly ? MOUNT_ATTR_RDONLY : 0n), 0);
    const result = raw.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attributes, BigInt(attributes.length));
    if (result === -1 && lastErrno() === ENOSYS) return false;
    check(result, 'mount_setattr', path);
    return true;
  },
  chroot(path) {
    check(libc.chroot(path), 'chroot', path);
  },
  fchdir(fd) {
    check(libc.fchdir(fd), 'fchdir', `to fd ${fd}`);
  },
  makeCharacterDevice(path, major, minor) {
    check(libc.mknod(path, S_IFCHR | 0o600, packDevice({ major, minor })), 'mknod', path);
  },
  sync() {
    libc.sync(); // cannot fail
  },
};

import { closeSync } from 'node:fs';
import { bind, check, lastErrno } from './ffi.ts';
import type { MountCalls, NamespaceCalls } from './kernel.ts';

const libc = bind({
  mount: ['string', 'string', 'string', 'uint64', 'pointer'],
  umount2: ['string', 'int32'],
  pivot_root: ['string', 'string'],
  mknod: ['string', 'uint32', 'uint64'],
  setns: ['int32', 'int32'],
  unshare: ['int32'],
  sethostname: ['string', 'uint64'],
  socket: ['int32', 'int32', 'int32'],
  ioctl: ['int32', 'uint64', 'pointer'],
});

/** C libraries before glibc 2.36 have no function of that name. */
const raw = bind({ syscall: ['int64', 'int32', 'string', 'uint32', 'pointer', 'uint64'] });
const SYS_MOUNT_SETATTR = 442n;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const MOUNT_ATTR_NOSUID = 2n;
const MOUNT_ATTR_NODEV = 4n;
const ENOSYS = 38;

const S_IFCHR = 0o020000;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCGIFFLAGS = 0x8913n;
const SIOCSIFFLAGS = 0x8914n;
const IFF_UP = 1;
/** struct ifreq: 16 bytes of name, then a union with the flags first. */
const IFREQ_SIZE = 40;

/** dev_t of major and minor number (makedev(3)). */
const deviceNumber = (major: number, minor: number): bigint =>
  (BigInt(major & 0xfffff000) << 32n) | (BigInt(major & 0xfff) << 8n) | (BigInt(minor & 0xffffff00) << 12n) | BigInt(minor & 0xff);

/** mount(2), umount2(2), pivot_root(2), mount_setattr(2), mknod(2). */
export const mountCalls: MountCalls = {
  mount(source, target, fstype, flags, data) {
    const options = data === undefined ? null : Buffer.from(`${data}\0`);
    check(libc.mount(source, target, fstype, BigInt(flags), options), 'mount', `of ${source} on ${target}`);
  },
  umount(target, flags) {
    check(libc.umount2(target, flags), 'umount', target);
  },
  pivotRoot(newRoot, putOld) {
    check(libc.pivot_root(newRoot, putOld), 'pivot_root', newRoot);
  },
  restrictMounts(path) {
    const attributes = Buffer.alloc(32); // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes.writeBigUInt64LE(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0);
    const result = raw.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attributes, BigInt(attributes.length));
    if (result === -1 && lastErrno() === ENOSYS) return false;
    check(result, 'mount_setattr', path);
    return true;
  },
  makeCharacterDevice(path, major, minor) {
    check(libc.mknod(path, S_IFCHR | 0o600, deviceNumber(major, minor)), 'mknod', path);
  },
};

/** setns(2), unshare(2), sethostname(2). */
export const namespaceCalls: NamespaceCalls = {
  setns(fd, type) {
    check(libc.setns(fd, type), 'setns', `to namespace 0x${type.toString(16)}`);
  },
  unshare(flags) {
    check(libc.unshare(flags), 'unshare', `0x${flags.toString(16)}`);
  },
  setLinkUp(name) {
    const request = Buffer.alloc(IFREQ_SIZE);
    request.write(name, 0, 15);
    const socket = check(libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), 'socket', '');
    try {
      check(libc.ioctl(socket, SIOCGIFFLAGS, request), 'ioctl', `SIOCGIFFLAGS of ${name}`);
      request.writeUInt16LE(request.readUInt16LE(16) | IFF_UP, 16);
      check(libc.ioctl(socket, SIOCSIFFLAGS, request), 'ioctl', `SIOCSIFFLAGS of ${name}`);
    } finally {
      closeSync(socket);
    }
  },
  sethostname(name) {
    check(libc.sethostname(name, BigInt(Buffer.byteLength(name))), 'sethostname', name);
  },
};

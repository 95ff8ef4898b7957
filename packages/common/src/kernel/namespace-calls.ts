import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { bind, check } from './ffi.ts';
import type { NamespaceCalls } from './kernel.ts';

const libc = bind({
  setns: ['int32', 'int32'],
  unshare: ['int32'],
  sethostname: ['string', 'uint64'],
  socket: ['int32', 'int32', 'int32'],
  ioctl: ['int32', 'uint64', 'pointer'],
});

const libcNumbers = bind({ ioctl: ['int32', 'uint64', 'uint64'] });

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCGIFFLAGS = 0x8913n;
const SIOCSIFFLAGS = 0x8914n;
const IFF_UP = 1;
// linux/if_tun.h
const TUNSETIFF = 0x400454can;
const TUNSETPERSIST = 0x400454cbn;
const IFF_TUN_EXCL = 0x8000;
const IFF_TAP_NO_PI_VNET_HDR = 0x2 | 0x1000 | 0x4000;
/** struct ifreq: 16 bytes of name, then a union with the flags first. */
const IFREQ_SIZE = 40;

/** For errors: a path whose mount is not visible here is an ordinary file, to which setns(2) fails with EINVAL. */
function pathOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return `fd ${fd}`;
  }
}

/** @returns an fd of the tap, close-on-exec */
function attachTap(name: string, flags: number): number {
  const request = Buffer.alloc(IFREQ_SIZE);
  request.write(name, 0, 15);
  request.writeUInt16LE(flags, 16);
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  try {
    check(libc.ioctl(fd, TUNSETIFF, request), 'ioctl', `TUNSETIFF of ${name}`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** setns(2), unshare(2), netdevice(7), sethostname(2). */
export const namespaceCalls: NamespaceCalls = {
  setns(fd, type) {
    const path = pathOf(fd); // before the call, which sets errno
    check(libc.setns(fd, type), 'setns', `to namespace 0x${type.toString(16)} at ${path}`);
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
  createTap(name) {
    const fd = attachTap(name, IFF_TAP_NO_PI_VNET_HDR | IFF_TUN_EXCL);
    try {
      check(libcNumbers.ioctl(fd, TUNSETPERSIST, 1n), 'ioctl', `TUNSETPERSIST of ${name}`);
    } finally {
      closeSync(fd);
    }
  },
  openTap: (name) => attachTap(name, IFF_TAP_NO_PI_VNET_HDR),
  sethostname(name) {
    check(libc.sethostname(name, BigInt(Buffer.byteLength(name))), 'sethostname', name);
  },
};

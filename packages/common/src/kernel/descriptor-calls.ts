import { closeSync } from 'node:fs';
import { KernelError } from '../errors/kata-error.ts';
import { address, bind, check, lastErrno } from './ffi.ts';
import type { DescriptorCalls } from './kernel.ts';

const libc = bind({
  flock: ['int32', 'int32'],
  fcntl: ['int32', 'int32', 'uint64'],
  pipe2: ['pointer', 'int32'],
  socketpair: ['int32', 'int32', 'int32', 'pointer'],
  setsockopt: ['int32', 'int32', 'int32', 'pointer', 'uint32'],
  eventfd: ['uint32', 'int32'],
  socket: ['int32', 'int32', 'int32'],
  bind: ['int32', 'pointer', 'uint32'],
  listen: ['int32', 'int32'],
  accept4: ['int32', 'pointer', 'pointer', 'int32'],
  getsockname: ['int32', 'pointer', 'pointer'],
  connect: ['int32', 'pointer', 'uint32'],
  sendmsg: ['int32', 'pointer', 'int32'],
  recvmsg: ['int32', 'pointer', 'int32'],
  inotify_init1: ['int32'],
  inotify_add_watch: ['int32', 'string', 'uint32'],
});

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EAGAIN = 11;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_DUPFD_CLOEXEC = 1030;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const NETLINK_KOBJECT_UEVENT = 15;
/** The multicast group of the messages that the kernel itself sends. */
const UEVENT_GROUP = 1;
/** RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE, and the bit of RTNLGRP_IPV6_RULE (linux/rtnetlink.h). */
const ROUTE_GROUPS = 0x4_05d1;
const IN_MODIFY = 2;
/** IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE. */
const IN_ENTRIES = 0x3c0;
/** IN_DELETE_SELF, IN_MOVE_SELF. */
const IN_END = 0xc00;
const IN_ONLYDIR = 0x0100_0000;
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct cmsghdr {size_t len; int level; int type} and one int, padded: cmsg(3). */
const CONTROL_LENGTH = 20;
const CONTROL_SPACE = 24;

/** EAGAIN, EINTR, ECONNABORTED: accept(2). */
const TRY_LATER: ReadonlySet<number> = new Set([EAGAIN, 4, 103]);
/** struct sockaddr_in: family, port and address in network byte order, padding. */
const INTERNET_ADDRESS_BYTES = 16;
const LOOPBACK = 0x7f00_0001;

/** struct sockaddr_un of a path of at most 107 bytes. */
function unixAddress(path: string, call: 'bind' | 'connect'): Buffer {
  const text = Buffer.from(path);
  if (text.length > 107) throw new KernelError(call, 36, 'ENAMETOOLONG', `to ${path}, which is over 107 bytes,`);
  const sockaddr = Buffer.alloc(110);
  sockaddr.writeUInt16LE(AF_UNIX, 0);
  text.copy(sockaddr, 2);
  return sockaddr;
}

/** struct msghdr of one data buffer and one control buffer. The caller keeps `data`, `vector` and `control` alive. */
function messageHeader(data: Buffer, vector: Buffer, control: Buffer): Buffer {
  vector.writeBigUInt64LE(address(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(address(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(address(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return header;
}

function sendOver(socket: number, fd: number, text: string): void {
  const control = Buffer.alloc(CONTROL_SPACE);
  control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  const data = Buffer.from(text);
  check(libc.sendmsg(socket, messageHeader(data, Buffer.alloc(16), control), MSG_NOSIGNAL), 'sendmsg', 'of a descriptor');
}

function listenAt(family: number, local: Buffer, backlog: number, name: string): number {
  const socket = check(libc.socket(family, SOCK_STREAM | O_CLOEXEC, 0), 'socket', '');
  try {
    check(libc.bind(socket, local, local.length), 'bind', `to ${name}`);
    check(libc.listen(socket, backlog), 'listen', `on ${name}`);
    return socket;
  } catch (error) {
    closeSync(socket);
    throw error;
  }
}

function openMonitor(path: string, events: number): number {
  const monitor = check(libc.inotify_init1(O_CLOEXEC | O_NONBLOCK), 'inotify_init1', '');
  try {
    check(libc.inotify_add_watch(monitor, path, events), 'inotify_add_watch', `of ${path}`);
    return monitor;
  } catch (error) {
    closeSync(monitor);
    throw error;
  }
}

/** A netlink socket that is a member of the groups. */
function openMulticastSocket(protocol: number, groups: number): number {
  const socket = check(libc.socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC | O_NONBLOCK, protocol), 'socket', 'of netlink');
  const local = Buffer.alloc(12); // struct sockaddr_nl: family, pad, pid, groups
  local.writeUInt16LE(AF_NETLINK, 0);
  local.writeUInt32LE(groups, 8);
  check(libc.bind(socket, local, local.length), 'bind', 'of a netlink socket');
  return socket;
}

/** flock(2), fcntl(2), pipe2(2), eventfd(2), unix(7), netlink(7), inotify(7). */
export const descriptorCalls: DescriptorCalls = {
  tryLock(fd, kind) {
    const result = libc.flock(fd, (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB);
    if (result === -1 && lastErrno() === EAGAIN) return false;
    check(result, 'flock', `of descriptor ${fd}`);
    return true;
  },
  setPipeSize: (fd, bytes) => check(libc.fcntl(fd, F_SETPIPE_SZ, BigInt(bytes)), 'fcntl', 'F_SETPIPE_SZ'),
  pipe(flags) {
    const ends = Buffer.alloc(8);
    check(libc.pipe2(ends, flags | O_CLOEXEC), 'pipe2', '');
    return [ends.readInt32LE(0), ends.readInt32LE(4)];
  },
  socketPair() {
    const pair = Buffer.alloc(8);
    check(libc.socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, pair), 'socketpair', '');
    return [pair.readInt32LE(0), pair.readInt32LE(4)];
  },
  eventfd: () => check(libc.eventfd(0, O_CLOEXEC | O_NONBLOCK), 'eventfd', ''),
  duplicate: (fd) => check(libc.fcntl(fd, F_DUPFD_CLOEXEC, 0n), 'fcntl', 'F_DUPFD_CLOEXEC'),
  setNonBlocking(fd, on) {
    const flags = check(libc.fcntl(fd, F_GETFL, 0n), 'fcntl', 'F_GETFL');
    check(libc.fcntl(fd, F_SETFL, BigInt(on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)), 'fcntl', 'F_SETFL');
  },
  sendDescriptor(socketPath, fd, text) {
    const target = unixAddress(socketPath, 'connect');
    const socket = check(libc.socket(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0), 'socket', '');
    try {
      check(libc.connect(socket, target, target.length), 'connect', `to ${socketPath}`);
      sendOver(socket, fd, text);
    } finally {
      closeSync(socket);
    }
  },
  sendDescriptorOver: sendOver,
  connectUnix(socketPath) {
    const target = unixAddress(socketPath, 'connect');
    const socket = check(libc.socket(AF_UNIX, SOCK_STREAM | O_CLOEXEC | O_NONBLOCK, 0), 'socket', '');
    try {
      check(libc.connect(socket, target, target.length), 'connect', `to ${socketPath}`);
      return socket;
    } catch (error) {
      closeSync(socket);
      throw error;
    }
  },
  listenUnix: (socketPath, backlog = 1) => listenAt(AF_UNIX, unixAddress(socketPath, 'bind'), backlog, socketPath),
  listenLoopback(backlog) {
    const local = Buffer.alloc(INTERNET_ADDRESS_BYTES);
    local.writeUInt16LE(AF_INET, 0);
    local.writeUInt32BE(LOOPBACK, 4);
    return listenAt(AF_INET, local, backlog, '127.0.0.1');
  },
  acceptConnection(listening) {
    const connection = libc.accept4(listening, null, null, O_CLOEXEC | O_NONBLOCK);
    if (connection === -1 && TRY_LATER.has(lastErrno())) return undefined;
    return check(connection, 'accept4', '');
  },
  localPort(socketFd) {
    const local = Buffer.alloc(INTERNET_ADDRESS_BYTES);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(local.length, 0);
    check(libc.getsockname(socketFd, local, length), 'getsockname', '');
    return local.readUInt16BE(2);
  },
  resetOnClose(socketFd) {
    const linger = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]); // struct linger: on, for 0 seconds
    check(libc.setsockopt(socketFd, SOL_SOCKET, SO_LINGER, linger, linger.length), 'setsockopt', 'SO_LINGER');
  },
  receiveDescriptor(socketFd) {
    const control = Buffer.alloc(CONTROL_SPACE);
    const data = Buffer.alloc(4096);
    const vector = Buffer.alloc(16);
    check(libc.recvmsg(socketFd, messageHeader(data, vector, control), MSG_CMSG_CLOEXEC), 'recvmsg', '');
    if (control.readBigUInt64LE(0) < BigInt(CONTROL_LENGTH) || control.readInt32LE(12) !== SCM_RIGHTS) return undefined;
    return control.readInt32LE(16);
  },
  openUeventSocket: () => openMulticastSocket(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP),
  openNetworkMonitor() {
    const socket = openMulticastSocket(NETLINK_ROUTE, ROUTE_GROUPS);
    const on = Buffer.from([1, 0, 0, 0]);
    check(libc.setsockopt(socket, SOL_NETLINK, NETLINK_NO_ENOBUFS, on, on.length), 'setsockopt', 'NETLINK_NO_ENOBUFS');
    return socket;
  },
  openRouteSocket: () => check(libc.socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_ROUTE), 'socket', 'of routes'),
  openFileMonitor: (path) => openMonitor(path, IN_MODIFY),
  openDirectoryMonitor: (path) => openMonitor(path, IN_ENTRIES | IN_END | IN_ONLYDIR),
};

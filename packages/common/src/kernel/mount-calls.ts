import { bind, check } from './ffi.ts';
import type { MountCalls, NamespaceCalls } from './kernel.ts';

const libc = bind({
  mount: ['string', 'string', 'string', 'uint64', 'pointer'],
  umount2: ['string', 'int32'],
  setns: ['int32', 'int32'],
  unshare: ['int32'],
  sethostname: ['string', 'uint64'],
});

/** mount(2), umount2(2). */
export const mountCalls: MountCalls = {
  mount(source, target, fstype, flags, data) {
    const options = data === undefined ? null : Buffer.from(`${data}\0`);
    check(libc.mount(source, target, fstype, BigInt(flags), options), 'mount', `of ${source} on ${target}`);
  },
  umount(target, flags) {
    check(libc.umount2(target, flags), 'umount', target);
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
  sethostname(name) {
    check(libc.sethostname(name, BigInt(Buffer.byteLength(name))), 'sethostname', name);
  },
};

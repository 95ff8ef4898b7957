import { bind, check } from './ffi.ts';
import type { VirtualMachineCalls } from './kernel.ts';

const libc = bind({ ioctl: ['int32', 'uint64', 'uint64'] });

// linux/kvm.h
const KVM_CREATE_VM = 0xae01n;
const KVM_CHECK_EXTENSION = 0xae03n;

/** Documentation/virt/kvm/api.rst. */
export const virtualMachineCalls: VirtualMachineCalls = {
  createVirtualMachine: (kvm) => check(libc.ioctl(kvm, KVM_CREATE_VM, 0n), 'ioctl', 'KVM_CREATE_VM'),
  checkKvmExtension: (kvm, extension) => check(libc.ioctl(kvm, KVM_CHECK_EXTENSION, BigInt(extension)), 'ioctl', 'KVM_CHECK_EXTENSION'),
};

/** Requirements for running VMs, for each kind of CPU: 1.x's tables (kata-check_amd64.go, kata-check_arm64.go). Pure data. */

export interface ModuleRequirement {
  readonly description: string;
  /** A missing optional module is reported, but is not a failure. */
  readonly optional?: boolean;
  /** Required values of the module's parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface Requirements {
  /** Name → description, in all three. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, string>>;
  readonly modules: Readonly<Record<string, ModuleRequirement>>;
  /** Numbers of KVM_CHECK_EXTENSION, asked when the device can be opened. */
  readonly extensions: Readonly<Record<string, { readonly description: string; readonly id: number }>>;
}

const kvm = { kvm: { description: 'Kernel-based Virtual Machine' } };
const vhost = {
  vhost: { description: 'Host kernel accelerator for virtio' },
  vhost_net: { description: 'Host kernel accelerator for virtio network' },
};
const vsock = { description: 'Host Support for Linux VM Sockets' };
const x86Flags = { lm: '64Bit CPU', sse4_1: 'SSE4.1' };

const intel: Requirements = {
  attributes: { GenuineIntel: 'Intel Architecture CPU' },
  flags: { vmx: 'Virtualization support', ...x86Flags },
  modules: {
    ...kvm,
    // Feature of CPUs since Westmere, which can run a Kata VM.
    kvm_intel: { description: 'Intel KVM', parameters: { unrestricted_guest: 'Y' } },
    ...vhost,
    vhost_vsock: { ...vsock, optional: true },
  },
  extensions: {},
};

const amd: Requirements = {
  attributes: { AuthenticAMD: 'AMD Architecture CPU' },
  flags: { svm: 'Virtualization support', ...x86Flags },
  modules: { ...kvm, kvm_amd: { description: 'AMD KVM' }, ...vhost, vhost_vsock: { ...vsock, optional: true } },
  extensions: {},
};

const arm64: Requirements = {
  attributes: {},
  flags: {},
  modules: { ...kvm, ...vhost, vhost_vsock: vsock },
  extensions: { KVM_CAP_ARM_VM_IPA_SIZE: { description: 'Maximum IPA shift supported by the host', id: 165 } },
};

/** For a machine of this kind (Node's process.arch); undefined for a CPU that 1.x does not know. */
export function requirementsFor(architecture: string, cpuinfo: string): Requirements | undefined {
  if (architecture === 'arm64') return arm64;
  if (cpuinfo.includes('GenuineIntel')) return intel;
  return cpuinfo.includes('AuthenticAMD') ? amd : undefined;
}

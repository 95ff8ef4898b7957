/** Cgroups below a sandbox's cgroup, with which they are removed. */

export const QEMU_GROUP = 'qemu';
/** The virtual CPUs of the VM, which are threads of QEMU. */
export const VCPU_GROUP = 'vcpus';

/** Child cgroups of a sandbox's cgroup, which are removed with it. */

export const QEMU_GROUP = 'qemu';
/** The vCPU threads of QEMU. */
export const VCPU_GROUP = 'vcpus';

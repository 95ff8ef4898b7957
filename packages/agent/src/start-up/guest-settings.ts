/** Sysctls that every guest gets at its start, before any container asks for others. Pure. */
export const guestSettings: Readonly<Record<string, string>> = {
  // What systemd sets on a host of 64 bits: the kernel's own 32,768 are for all containers of the VM together.
  'kernel/pid_max': '4194304',
  // Constants of programs that an unprivileged user has compiled (seccomp's, socket filters) are hidden from attackers of the kernel.
  'net/core/bpf_jit_harden': '1',
};

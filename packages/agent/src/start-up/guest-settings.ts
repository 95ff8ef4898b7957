/** Sysctls that the agent sets when the guest starts, before those of containers. Pure. */
export const guestSettings: Readonly<Record<string, string>> = {
  // As systemd sets it on 64-bit hosts: the kernel's 32,768 would be shared by all containers of the VM.
  'kernel/pid_max': '4194304',
  // Blinds constants in BPF programs of unprivileged users (seccomp, socket filters), which attacks on the kernel use.
  'net/core/bpf_jit_harden': '1',
};

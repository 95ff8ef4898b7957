/** Sysctls that the agent sets when the guest starts, before those of containers. Pure. */
export const guestSettings: Readonly<Record<string, string>> = {
  // As systemd sets it on 64-bit hosts: the kernel's 32,768 would be shared by all containers of the VM.
  'kernel/pid_max': '4194304',
  // The kernel computes 15,915 from the memory of a 2 GiB VM, and hot-plugged memory does not raise it. Limits of containers apply.
  'kernel/threads-max': '4194304',
  // Blinds constants in BPF programs of unprivileged users (seccomp, socket filters), which attacks on the kernel use.
  'net/core/bpf_jit_harden': '1',
  // Each wake-up of an idle guest costs CPU time of the host. By default kcompactd checks for fragmented memory twice a second,
  'vm/compaction_proactiveness': '0',
  // and each CPU adds up its counters every second. The kernel bounds how much they lag behind.
  'vm/stat_interval': '10',
};

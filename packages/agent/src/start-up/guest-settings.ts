/** Sysctls that the agent sets when the guest starts, before those of containers. Pure. */
export const guestSettings: Readonly<Record<string, string>> = {
  // As systemd sets it on 64-bit hosts: the kernel's 32,768 would be shared by all containers of the VM.
  'kernel/pid_max': '4194304',
  // The kernel computes 15,915 from the memory of a 2 GiB VM, and hot-plugged memory does not raise it. Limits of containers apply.
  'kernel/threads-max': '4194304',
  // The kernel computes the following limits from the memory at boot too. 256 GiB and systemd give a host these values.
  'fs/file-max': '9223372036854775807',
  'fs/epoll/max_user_watches': '5000000',
  'fs/fanotify/max_user_marks': '1048576',
  'fs/inotify/max_user_watches': '1048576',
  'net/ipv4/tcp_max_orphans': '262144',
  'net/ipv4/tcp_max_syn_backlog': '4096',
  'net/ipv4/tcp_max_tw_buckets': '262144',
  'net/netfilter/nf_conntrack_max': '262144',
  // As systemd sets it: `docker run --ulimit nofile=2000000` works as on a host.
  'fs/nr_open': '1073741816',
  // As in Ubuntu and Fedora: Elasticsearch requires 262,144, and a container cannot set it.
  'vm/max_map_count': '1048576',
  // As systemd sets them: users of a container cannot use links and files in /tmp to deceive its other users.
  'fs/protected_fifos': '1',
  'fs/protected_hardlinks': '1',
  'fs/protected_regular': '1',
  'fs/protected_symlinks': '1',
  // Blinds constants in BPF programs of unprivileged users (seccomp, socket filters), which attacks on the kernel use.
  'net/core/bpf_jit_harden': '1',
  // Each wake-up of an idle guest costs CPU time of the host. By default kcompactd checks for fragmented memory twice a second,
  'vm/compaction_proactiveness': '0',
  // and each CPU adds up its counters every second. The kernel bounds how much they lag behind.
  'vm/stat_interval': '10',
};

/**
 * The features of this runtime for engines (OCI runtime specification, features.md). Of the recursive mount attributes, only `rro` is
 * listed: the host applies it, and docker and CRI use it.
 */
import { commit, version } from '@kata-containers/common/version';

const mountOptions = [
  ...['async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'mand', 'noatime', 'nodev', 'nodiratime', 'noexec'],
  ...['nomand', 'norelatime', 'nostrictatime', 'nosuid', 'private', 'rbind', 'relatime', 'remount', 'ro', 'rprivate', 'rro', 'rslave'],
  ...['rw', 'slave', 'strictatime', 'suid', 'sync'],
];

/** capabilities(7), in the order of their numbers. */
const capabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE'],
  ...['NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT'],
  ...['SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE'],
  ...['AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ'],
  ...['PERFMON', 'BPF', 'CHECKPOINT_RESTORE'],
].map((name) => `CAP_${name}`);

/** Flags of seccomp(2) except that of listeners. */
const seccompFlags = ['TSYNC', 'SPEC_ALLOW', 'LOG'].map((name) => `SECCOMP_FILTER_FLAG_${name}`);

export const featureList = {
  ociVersionMin: '1.0.0',
  ociVersionMax: '1.3.0',
  hooks: ['prestart', 'createRuntime', 'poststart', 'poststop'],
  mountOptions,
  linux: {
    namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts'],
    capabilities,
    cgroup: { v1: true, v2: true, systemd: true, systemdUser: false, rdma: false },
    seccomp: {
      enabled: true,
      actions: ['ALLOW', 'ERRNO', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'LOG', 'TRACE', 'TRAP'].map((name) => `SCMP_ACT_${name}`),
      operators: ['EQ', 'GE', 'GT', 'LE', 'LT', 'MASKED_EQ', 'NE'].map((name) => `SCMP_CMP_${name}`),
      archs: ['SCMP_ARCH_X32', 'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
      knownFlags: seccompFlags,
      supportedFlags: seccompFlags,
    },
    apparmor: { enabled: false },
    selinux: { enabled: false },
    intelRdt: { enabled: false },
    mountExtensions: { idmap: { enabled: false } },
    netDevices: { enabled: false },
    memoryPolicy: { modes: [], flags: [] },
  },
  annotations: {
    'io.katacontainers.version': version,
    'io.katacontainers.commit': commit,
    'io.katacontainers.hypervisor': 'qemu',
  },
  potentiallyUnsafeConfigAnnotations: ['io.katacontainers.config.'],
};

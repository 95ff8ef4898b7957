/**
 * The Linux calls that the engine lacks, one interface for each topic. A function declares which calls it needs
 * (`Pick<Kernel, 'mount' | 'umount'>`). LinuxKernel makes the calls; RecordingKernel is for tests.
 * Every call throws KernelError when it fails.
 */

export interface MountCalls {
  /** mount(2). `flags` are MS_*; `data` is the file system's own option string. */
  mount(source: string, target: string, fstype: string, flags: number, data?: string): void;
  /** umount2(2). `flags` are MNT_* and UMOUNT_*. */
  umount(target: string, flags: number): void;
  /**
   * umount2(2) of the mount at exactly this path, which has no links: another process may replace a directory in a path of the mount table by
   * a link to other mounts. ELOOP for such a path.
   */
  umountExactly(path: string): void;
  /** pivot_root(2). If the main thread has a mount namespace of its own, only the main thread gets the new root. */
  pivotRoot(newRoot: string, putOld: string): void;
  /** mount_setattr(2): adds MS_NODEV and MS_NOSUID, and MS_RDONLY if `readonly`, to the mount and all mounts below it. False before Linux 5.12. */
  restrictMounts(path: string, readonly?: boolean): boolean;
  /** chroot(2), of all threads. If the main thread has a mount namespace of its own, only the main thread gets the new root. */
  chroot(path: string): void;
  /** fchdir(2): like `chroot`, for the working directory. Does not change the working directory that the JS engine remembers. */
  fchdir(fd: number): void;
  /** mknod(2) of a character device with mode 0600. */
  makeCharacterDevice(path: string, major: number, minor: number): void;
  /** sync(2): writes the caches of all file systems back. */
  sync(): void;
}

export interface NamespaceCalls {
  /** setns(2) of the main thread. Threads of the pool (fs promises) stay in the old namespace: use synchronous calls. */
  setns(fd: number, type: number): void;
  /** unshare(2) of the main thread. */
  unshare(flags: number): void;
  /** Brings a network interface up (netdevice(7), SIOCSIFFLAGS). */
  setLinkUp(name: string): void;
  /**
   * Creates a tap for `openTap` in the main thread's network namespace, like `ip tuntap add mode tap vnet_hdr`. EBUSY when a device has this
   * name.
   */
  createTap(name: string): void;
  /** Opens an existing tap of the main thread's network namespace, as QEMU does (tun.rst, TUNSETIFF). @returns its fd, close-on-exec */
  openTap(name: string): number;
  /** sethostname(2), in the UTS namespace of the main thread. */
  sethostname(name: string): void;
}

export interface ProcessCalls {
  /** prctl(2) PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process. */
  becomeSubreaper(): void;
  /** Pid of an ended child, without reaping it (waitid(2), WNOWAIT); undefined when none has ended. */
  peekExited(): number | undefined;
  /** Reaps an ended child. @returns its exit code, or 128 + the signal that killed it; undefined when it has not ended */
  reap(pid: number): number | undefined;
  /** kill(2) with any signal number, real-time ones too. */
  kill(pid: number, signal: number): void;
  /** setsid(2). */
  setsid(): void;
  /** setrlimit(2): allows core dumps of any size, for this process and its children. */
  allowCoreDumps(): void;
  /** setrlimit(2): limit of open files for this process and its children; root may raise it up to fs.nr_open. */
  allowOpenFiles(count: number): void;
  /** setrlimit(2): allows each user any number of processes and threads, and 2,097,152 queued signals, in this process and its children. */
  allowProcesses(): void;
  /**
   * prlimit(2): no core dump of that process, neither to a file nor to a program of the host; no POSIX message queues, and few timers and
   * queued signals. A process of another user needs CAP_SYS_RESOURCE.
   */
  limitResources(pid: number): void;
  /** Runs `act` with a soft limit of zero for core dumps. Processes that `act` starts inherit the limit. */
  withoutCoreDumps<T>(act: () => T): T;
  /**
   * Programs that the main thread starts from now on as root have only the capabilities in `mask` (capabilities(7): securebit
   * NOROOT, ambient set). The capabilities of this process do not change.
   */
  limitChildren(mask: bigint): void;
  /** Undoes `limitChildren`. */
  unlimitChildren(): void;
  /**
   * personality(2) of the main thread: turns address space randomisation of the programs that it starts from now on off or on.
   * @returns false when the system call was denied, for example by the seccomp profile of a container
   */
  randomiseAddresses(on: boolean): boolean;
  /**
   * capabilities(7): clears the inheritable and the bounding set of the main thread. The kernel clears the other sets when the user changes
   * from root.
   */
  dropCapabilitySets(): void;
  /** prctl(2) PR_SET_NO_NEW_PRIVS, of the main thread until `filterSystemCalls`; PR_SET_DUMPABLE 0. */
  forbidPrivileges(): void;
  /** seccomp(2) with an array of struct sock_filter. Needs no_new_privs, which the kernel then sets on all threads, or root. */
  filterSystemCalls(program: Buffer, scope: 'all threads' | 'this thread'): void;
  /** pidfd_open(2): an fd (close-on-exec) that can be polled for the end of the process. */
  openPidfd(pid: number): number;
  /**
   * The wait status (wait(2)) of any process by its pidfd (ioctl PIDFD_GET_INFO, Linux 6.15). `pending` until it has ended and its parent
   * has waited for it; `unknown` when the kernel does not keep the status.
   */
  exitStatus(pidfd: number): number | 'pending' | 'unknown';
}

export interface ProgramStart {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The first fds of the program. */
  readonly stdio: readonly [number, number, number];
}

export interface SpawnCalls {
  /**
   * posix_spawn(3): starts a program, found by the PATH of this process. The child shares the memory of this process until it executes
   * the program: unlike fork(2), no page table is copied, and no page when this process changes it. The JS engine does not know the child.
   * @returns its pid
   */
  spawnProgram(program: string, start: ProgramStart): number;
}

export interface DescriptorCalls {
  /** flock(2); false when another process holds the lock. Never blocks. */
  tryLock(fd: number, kind: 'shared' | 'exclusive'): boolean;
  /** fcntl(2) F_SETPIPE_SZ. Returns the new size of the pipe in bytes. */
  setPipeSize(fd: number, bytes: number): number;
  /** pipe2(2) with O_CLOEXEC and `flags`. */
  pipe(flags: number): [readEnd: number, writeEnd: number];
  /** socketpair(2) of connected unix sockets, close-on-exec. */
  socketPair(): [number, number];
  /** eventfd(2): a counter that can be polled (non-blocking, close-on-exec). */
  eventfd(): number;
  /** fcntl(2) F_DUPFD_CLOEXEC: another fd of the same file. */
  duplicate(fd: number): number;
  /** fcntl(2) F_SETFL: O_NONBLOCK on or off. */
  setNonBlocking(fd: number, on: boolean): void;
  /** Sends `fd` with `text` as data over a connection to the listening unix socket at `socketPath` (SCM_RIGHTS, unix(7)). */
  sendDescriptor(socketPath: string, fd: number, text: string): void;
  /** Sends `fd` with `text` over a connected unix socket. No other data may be queued on the socket. */
  sendDescriptorOver(socketFd: number, fd: number, text: string): void;
  /**
   * A connection to the listening unix socket at `socketPath` (non-blocking, close-on-exec). Does not wait: fails with EAGAIN when the
   * server has as many connections to accept as it allows.
   */
  connectUnix(socketPath: string): number;
  /**
   * A unix socket that listens at `socketPath`. The socket is blocking, as programs that inherit it expect, and close-on-exec. `backlog`: the
   * number of connections that wait to be accepted, 1 by default (listen(2)).
   */
  listenUnix(socketPath: string, backlog?: number): number;
  /** A TCP socket that listens on a free port of 127.0.0.1 (close-on-exec). */
  listenLoopback(backlog: number): number;
  /** accept4(2): a connection (non-blocking, close-on-exec); undefined when none waits on a non-blocking socket. */
  acceptConnection(listening: number): number | undefined;
  /** The local port of a TCP socket over IPv4. */
  localPort(socketFd: number): number;
  /** SO_LINGER: a close of the TCP connection resets it. */
  resetOnClose(socketFd: number): void;
  /** Receives one fd from a connected unix socket (close-on-exec), or undefined when the peer sent none. */
  receiveDescriptor(socketFd: number): number | undefined;
  /** A bound NETLINK_KOBJECT_UEVENT socket (non-blocking, close-on-exec). */
  openUeventSocket(): number;
  /**
   * A NETLINK_ROUTE socket that receives changes of links, addresses and routes (rtnetlink(7); non-blocking, close-on-exec). Messages that do
   * not fit into the receive buffer are dropped without an error.
   */
  openNetworkMonitor(): number;
  /** A NETLINK_ROUTE socket (blocking, close-on-exec). */
  openRouteSocket(): number;
  /** An inotify(7) instance that reports modifications of the file at `path`, or of the files in the directory at `path` (non-blocking, close-on-exec). */
  openFileMonitor(path: string): number;
  /** As `openFileMonitor`, for entries that appear in or disappear from the directory at `path`, and for the end of the directory. */
  openDirectoryMonitor(path: string): number;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

export interface TerminalCalls {
  /** Opens a pty pair: the master's fd, unlocked, and the path of the slave. */
  openPty(): { master: number; slavePath: string };
  windowSize(fd: number): WindowSize;
  setWindowSize(fd: number, size: WindowSize): void;
  /** Raw mode as cfmakeraw(3) with VMIN 1, VTIME 0. Returns the earlier settings, for `restoreTerminal`. */
  makeRaw(fd: number): Buffer;
  restoreTerminal(fd: number, saved: Buffer): void;
  /** Turns the mapping of NL to CR-NL on output (ONLCR) on or off. */
  setOutputNewlineMapping(fd: number, on: boolean): void;
  /** TIOCSCTTY: makes the terminal the controlling terminal of this session. */
  setControllingTerminal(fd: number): void;
}

export interface ClockCalls {
  /** settimeofday(2). */
  setTime(seconds: bigint, microseconds: bigint): void;
  /** Mixes `data` into the kernel's random pool, credits it in full and reseeds (random(4)). */
  addEntropy(data: Buffer): void;
}

export interface VirtualMachineCalls {
  /** KVM_CREATE_VM on an open /dev/kvm. Returns the new VM's fd. */
  createVirtualMachine(kvm: number): number;
  /** KVM_CHECK_EXTENSION on an open /dev/kvm: 0 when the extension is missing, else the kernel's value. */
  checkKvmExtension(kvm: number, extension: number): number;
}

export interface CgroupCalls {
  /** bpf(2): loads a program that decides which devices a process may open (BPF_PROG_TYPE_CGROUP_DEVICE). @returns its fd, close-on-exec */
  loadDeviceProgram(program: Buffer): number;
  /** bpf(2): attaches such a program to an open directory of cgroup version 2, and replaces an earlier program. */
  attachDeviceProgram(directory: number, program: number): void;
}

/** bpf(2): programs that choose the listening socket of a connection (Documentation/bpf/prog_sk_lookup.rst). Linux 5.9. */
export interface SocketLookupCalls {
  /** A map (BPF_MAP_TYPE_SOCKMAP) whose only entry is a listening TCP socket. @returns its fd, close-on-exec */
  createSocketMap(socket: number): number;
  /** Loads a program (BPF_PROG_TYPE_SK_LOOKUP). @returns its fd, close-on-exec */
  loadSocketLookup(program: Buffer): number;
  /** Attaches the program to an open network namespace, until the returned fd (close-on-exec) is closed. */
  attachSocketLookup(namespace: number, program: number): number;
}

export type Kernel = CgroupCalls &
  SocketLookupCalls &
  VirtualMachineCalls &
  MountCalls &
  NamespaceCalls &
  ProcessCalls &
  SpawnCalls &
  DescriptorCalls &
  TerminalCalls &
  ClockCalls;

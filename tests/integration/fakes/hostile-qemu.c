/*
 * Stands in QEMU's place and tries what a guest that has taken QEMU over would try. One line: NAME=allowed or NAME=denied for each.
 * Built with -DCANARY="FILE OF THE HOST" -DSOCKET="LISTENING SOCKET" -DOTHER="DIRECTORY OF ANOTHER SANDBOX" -DVICTIM=PID
 * -DABSTRACT="SOCKET" -DPORT=NUMBER, both of which listen in the sandbox's network namespace, -DKERNEL="FILE OF THE GUEST'S KERNEL",
 * -DSEGMENT=ID of a shared memory segment of the host
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char vm[4096]; /* the directory that QEMU may write to */

static int opens(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int read_host_file(void) { return opens(CANARY, O_RDONLY); }

static int read_through_proc(void) {
  char path[4096];
  snprintf(path, sizeof path, "/proc/%d/root%s", VICTIM, CANARY);
  return opens(path, O_RDONLY) || opens("/proc/1/root" CANARY, O_RDONLY);
}

static int read_by_handle(void) {
  struct { struct file_handle head; unsigned char bytes[8]; } handle = {{.handle_bytes = 8, .handle_type = 1}, {2}};
  int directory = open(vm, O_RDONLY);
  /* A caller that may try gets ESTALE for a handle that was guessed. */
  return syscall(SYS_open_by_handle_at, directory, &handle, O_RDONLY) >= 0 || errno == ESTALE;
}

static int write_to_other_sandbox(void) { return opens(OTHER "/written", O_CREAT | O_WRONLY); }
static int list_other_sandboxes(void) { return opens(OTHER, O_RDONLY); }
static int mount_something(void) { return mount("none", vm, "tmpfs", 0, NULL) == 0 && umount2(vm, MNT_DETACH) == 0; }
static int enter_namespace(void) { return opens("/proc/1/ns/mnt", O_RDONLY); }

static int trace(void) {
  if (ptrace(PTRACE_ATTACH, VICTIM, 0, 0) != 0) return 0;
  waitpid(VICTIM, NULL, 0);
  ptrace(PTRACE_DETACH, VICTIM, 0, 0);
  return 1;
}

static int signal_stranger(void) { return kill(VICTIM, SIGCONT) == 0; }
static int read_environment(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/environ", VICTIM);
  return opens(path, O_RDONLY);
}

static int open_host_disk(void) {
  char path[4200];
  snprintf(path, sizeof path, "%s/disk", vm);
  int made = mknod(path, S_IFBLK | 0600, makedev(DISK_MAJOR, DISK_MINOR)) == 0;
  int opened = made && opens(path, O_RDONLY);
  unlink(path);
  return opened;
}

/* ENOSYS: a kernel without modules. */
static int load_module(void) { return syscall(SYS_init_module, NULL, 0, "") == 0 || (errno != EPERM && errno != ENOSYS); }
static int set_sysctl(void) { return opens("/proc/sys/kernel/hostname", O_WRONLY); }

static int set_host_name(void) {
  char name[256];
  gethostname(name, sizeof name);
  return sethostname(name, strlen(name)) == 0;
}

static int connect_to_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
  return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) == 0;
}

static int connect_to_abstract_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0" ABSTRACT};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof ABSTRACT;
  return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, length) == 0;
}

static int connect_to_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) == 0;
}

static int open_tun(void) { return opens("/dev/net/tun", O_RDWR); }

static int dump_core(void) {
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &unlimited);
    if (chdir(vm) == 0) abort();
    _exit(0);
  }
  waitpid(child, &status, 0);
  char path[4200];
  snprintf(path, sizeof path, "%s/core", vm);
  unlink(path);
  snprintf(path, sizeof path, "%s/core.%d", vm, child);
  unlink(path);
  return WCOREDUMP(status);
}

/* The kernel counts them for all processes of root. */
static int use_up_timers(void) {
  enum { MANY = 1000 };
  timer_t timers[MANY];
  struct sigevent silent = {.sigev_notify = SIGEV_NONE};
  int made = 0;
  while (made < MANY && timer_create(CLOCK_MONOTONIC, &silent, &timers[made]) == 0) made++;
  for (int i = 0; i < made; i++) timer_delete(timers[i]);
  return made == MANY;
}

static int make_message_queue(void) {
  mqd_t queue = mq_open("/kata", O_CREAT | O_RDWR, 0600, NULL);
  if (queue >= 0) mq_unlink("/kata");
  return queue >= 0;
}

static int change_own_score(void) { return opens("/proc/self/oom_score_adj", O_WRONLY); }

static int read_keyring(void) {
  char text[256];
  enum { DESCRIBE = 6, USER_KEYRING = -4 };
  return syscall(SYS_keyctl, DESCRIBE, USER_KEYRING, text, sizeof text, 0) > 0;
}

static int add_key_of_root(void) {
  enum { UNLINK = 9, USER_KEYRING = -4 };
  long key = syscall(SYS_add_key, "user", "kata-hostile", "x", 1, USER_KEYRING);
  if (key >= 0) syscall(SYS_keyctl, UNLINK, key, USER_KEYRING);
  return key >= 0;
}

static int open_vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0) >= 0; }
static int open_userfaultfd(void) { return syscall(SYS_userfaultfd, 0) >= 0; }

/* EAFNOSUPPORT: permitted, but this kernel has no such sockets. */
static int open_alg_socket(void) { return socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0 || errno == EAFNOSUPPORT; }
static int open_packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }
static int open_pidfd(void) { return syscall(SYS_pidfd_open, VICTIM, 0) >= 0; }
static int make_io_uring(void) {
  char parameters[256] = {0};
  return syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}

static int count_events(void) {
  struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_CPU_CLOCK};
  return syscall(SYS_perf_event_open, &event, VICTIM, -1, -1, 0) >= 0;
}

static int read_memory_of_stranger(void) {
  char byte;
  struct iovec own = {&byte, 1}, other = {NULL, 1};
  return process_vm_readv(VICTIM, &own, 1, &other, 1, 0) >= 0 || errno == EFAULT; /* EFAULT: permitted, and nothing is at address 0 */
}

static int attach_segment(void) {
  void *address = shmat(SEGMENT, NULL, SHM_RDONLY);
  return address != (void *)-1 && shmdt(address) == 0;
}

static int write_to_shared_memory(void) {
  int made = opens("/dev/shm/kata-hostile", O_CREAT | O_WRONLY);
  unlink("/dev/shm/kata-hostile");
  return made;
}

static int change_priority(void) { return setpriority(PRIO_PROCESS, VICTIM, 1) == 0; }

/* Another process that opens the file waits until the lease ends. */
static int lease_kernel(void) {
  int fd = open(KERNEL, O_RDONLY);
  int leased = fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
  if (fd >= 0) close(fd);
  return leased;
}

/* clone3 and clone fail in the same way. In a child: the process has other capabilities in the namespace. */
static int make_user_namespace(void) {
  unsigned long long arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  int status = 1;
  long child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWUSER) != 0);
  waitpid(child, &status, 0);
  if (status == 0) return 1;
  child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child < 0) child = syscall(SYS_clone3, arguments, sizeof arguments);
  if (child == 0) _exit(0);
  if (child > 0) waitpid(child, NULL, 0);
  return child > 0;
}

static int leave_root(void) { return chroot(vm) == 0; } /* last: the paths are others then */

static const struct { const char *name; int (*try)(void); } table[] = {
  {"read_host_file", read_host_file},
  {"read_through_proc", read_through_proc},
  {"read_by_handle", read_by_handle},
  {"write_to_other_sandbox", write_to_other_sandbox},
  {"list_other_sandboxes", list_other_sandboxes},
  {"mount", mount_something},
  {"enter_namespace", enter_namespace},
  {"ptrace", trace},
  {"signal", signal_stranger},
  {"read_environment", read_environment},
  {"open_host_disk", open_host_disk},
  {"load_module", load_module},
  {"set_sysctl", set_sysctl},
  {"set_host_name", set_host_name},
  {"connect_to_socket", connect_to_socket},
  {"connect_to_abstract_socket", connect_to_abstract_socket},
  {"connect_to_loopback", connect_to_loopback},
  {"open_tun", open_tun},
  {"use_up_timers", use_up_timers},
  {"make_message_queue", make_message_queue},
  {"change_own_score", change_own_score},
  {"read_keyring", read_keyring},
  {"add_key", add_key_of_root},
  {"open_vsock", open_vsock},
  {"open_userfaultfd", open_userfaultfd},
  {"open_alg_socket", open_alg_socket},
  {"open_packet_socket", open_packet_socket},
  {"open_pidfd", open_pidfd},
  {"make_io_uring", make_io_uring},
  {"count_events", count_events},
  {"read_memory_of_stranger", read_memory_of_stranger},
  {"attach_segment", attach_segment},
  {"write_to_shared_memory", write_to_shared_memory},
  {"change_priority", change_priority},
  {"lease_kernel", lease_kernel},
  {"make_user_namespace", make_user_namespace},
  {"dump_core", dump_core},
  {"chroot", leave_root},
};

/* The runtime ends the preparation of the root once QEMU has been started: before a guest can run. */
static void await_confinement(void) {
  struct rlimit core;
  do
    getrlimit(RLIMIT_CORE, &core);
  while (core.rlim_max != 1);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--version") == 0) return puts("QEMU emulator version 7.2.0") < 0;
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], "-qmp") == 0) sscanf(argv[i + 1], "unix:%4000[^,]", vm);
  *strrchr(vm, '/') = 0;
  if (access("/proc/sys", F_OK) != 0) await_confinement();
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) printf("%s=%s ", table[i].name, table[i].try() ? "allowed" : "denied");
  puts("");
  return 1;
}

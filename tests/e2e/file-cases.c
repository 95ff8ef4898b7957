/*
 * Runs cases of file system calls and prints what each call gave:
 *
 *   file-cases CASES DIRECTORY
 *
 * A line of the file CASES is `NAME: CALL; CALL; ...`, each call with its arguments. Each case runs three times, in a new directory that
 * belongs to user 1000 with mode 755: as root, as user 1000, and as user 2000. A call prints `-` for success, the name of its error, or
 * what it has read. `as ID` changes the user of the following calls.
 *
 *   file-cases may-bind
 *
 * prints whether the process has CAP_NET_BIND_SERVICE.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 8

static int fd = -1; /* of the last `open` */
static uid_t me;

typedef struct {
  char *words[MAX_WORDS];
  int count;
} Call;

static const char *text(const Call *c, int i) { return i < c->count ? c->words[i] : ""; }
static long number(const Call *c, int i) { return strtol(text(c, i), NULL, 0); }
static mode_t octal(const Call *c, int i) { return (mode_t)strtol(text(c, i), NULL, 8); }

static void result(int returned) { printf(" %s", returned < 0 ? strerrorname_np(errno) : "-"); }

static int flags(const char *names) {
  static const struct { const char *name; int flag; } known[] = {
    {"r", O_RDONLY}, {"w", O_WRONLY}, {"rw", O_RDWR}, {"creat", O_CREAT}, {"excl", O_EXCL}, {"trunc", O_TRUNC},
    {"append", O_APPEND}, {"dir", O_DIRECTORY}, {"nofollow", O_NOFOLLOW}, {"tmp", O_TMPFILE}, {"path", O_PATH}, {"nonblock", O_NONBLOCK},
  };
  char copy[64];
  int all = 0;
  snprintf(copy, sizeof copy, "%s", names);
  for (char *rest, *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      if (strcmp(name, known[i].name) == 0) all |= known[i].flag;
  return all | O_CLOEXEC;
}

static void keep(int opened) {
  if (opened >= 0) {
    if (fd >= 0) close(fd);
    fd = opened;
  }
  result(opened);
}

/* `S.N` or `S`: seconds and nanoseconds. `now` and `omit` as in utimensat(2) */
static struct timespec moment(const char *words) {
  struct timespec t = {0};
  if (strcmp(words, "now") == 0) t.tv_nsec = UTIME_NOW;
  else if (strcmp(words, "omit") == 0) t.tv_nsec = UTIME_OMIT;
  else {
    const char *dot = strchr(words, '.');
    t.tv_sec = strtoll(words, NULL, 10);
    t.tv_nsec = dot ? strtol(dot + 1, NULL, 10) : 0;
  }
  return t;
}

static void print_stat(int returned, const struct stat *s, const char *what) {
  if (returned < 0) return result(returned);
  if (strcmp(what, "type") == 0)
    printf(" %s", S_ISREG(s->st_mode) ? "file" : S_ISDIR(s->st_mode) ? "directory" : S_ISLNK(s->st_mode) ? "link" :
           S_ISFIFO(s->st_mode) ? "pipe" : S_ISSOCK(s->st_mode) ? "socket" : S_ISCHR(s->st_mode) ? "character" : "block");
  else if (strcmp(what, "mode") == 0) printf(" %o", s->st_mode & 07777);
  else if (strcmp(what, "owner") == 0) printf(" %u:%u", s->st_uid, s->st_gid);
  else if (strcmp(what, "size") == 0) printf(" %lld", (long long)s->st_size);
  else if (strcmp(what, "links") == 0) printf(" %lu", (unsigned long)s->st_nlink);
  else if (strcmp(what, "device") == 0) printf(" %u:%u", major(s->st_rdev), minor(s->st_rdev));
  else if (strcmp(what, "atime") == 0) printf(" %lld.%09ld", (long long)s->st_atim.tv_sec, s->st_atim.tv_nsec);
  else if (strcmp(what, "mtime") == 0) printf(" %lld.%09ld", (long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec);
}

static void do_stat(const Call *c) {
  struct stat s;
  int returned = stat(text(c, 1), &s);
  print_stat(returned, &s, text(c, 2));
}
static void do_lstat(const Call *c) {
  struct stat s;
  int returned = lstat(text(c, 1), &s);
  print_stat(returned, &s, text(c, 2));
}
static void do_fstat(const Call *c) {
  struct stat s;
  int returned = fstat(fd, &s);
  print_stat(returned, &s, text(c, 1));
}

/* Whether ctime, or mtime of a directory, grows by the rest of the case: `mark P`, `changed P ctime` */
static struct stat marked;
static void do_mark(const Call *c) {
  struct timespec tick = {.tv_nsec = 20000000}; /* a file system may count in jiffies */
  result(lstat(text(c, 1), &marked));
  nanosleep(&tick, NULL);
}
static void do_changed(const Call *c) {
  struct stat s;
  if (lstat(text(c, 1), &s) < 0) return result(-1);
  int is_ctime = strcmp(text(c, 2), "ctime") == 0;
  struct timespec a = is_ctime ? marked.st_ctim : marked.st_mtim, b = is_ctime ? s.st_ctim : s.st_mtim;
  printf(" %s", a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec ? "no" : "yes");
}

static void do_mkdir(const Call *c) { result(mkdir(text(c, 1), octal(c, 2))); }
static void do_rmdir(const Call *c) { result(rmdir(text(c, 1))); }
static void do_unlink(const Call *c) { result(unlink(text(c, 1))); }
static void do_link(const Call *c) { result(link(text(c, 1), text(c, 2))); }
static void do_symlink(const Call *c) { result(symlink(text(c, 1), text(c, 2))); }
static void do_rename(const Call *c) { result(rename(text(c, 1), text(c, 2))); }
static void do_noreplace(const Call *c) { result(renameat2(AT_FDCWD, text(c, 1), AT_FDCWD, text(c, 2), RENAME_NOREPLACE)); }
static void do_exchange(const Call *c) { result(renameat2(AT_FDCWD, text(c, 1), AT_FDCWD, text(c, 2), RENAME_EXCHANGE)); }
static void do_mkfifo(const Call *c) { result(mkfifo(text(c, 1), octal(c, 2))); }
static void do_mknod(const Call *c) { result(mknod(text(c, 1), S_IFCHR | octal(c, 2), makedev(number(c, 3), number(c, 4)))); }
static void do_chmod(const Call *c) { result(chmod(text(c, 1), octal(c, 2))); }
static void do_fchmod(const Call *c) { result(fchmod(fd, octal(c, 1))); }
static void do_chown(const Call *c) { result(chown(text(c, 1), number(c, 2), number(c, 3))); }
static void do_lchown(const Call *c) { result(lchown(text(c, 1), number(c, 2), number(c, 3))); }
static void do_fchown(const Call *c) { result(fchown(fd, number(c, 1), number(c, 2))); }
static void do_truncate(const Call *c) { result(truncate(text(c, 1), number(c, 2))); }
static void do_ftruncate(const Call *c) { result(ftruncate(fd, number(c, 1))); }
static void do_umask(const Call *c) { umask(octal(c, 1)); }
static void do_open(const Call *c) { keep(open(text(c, 1), flags(text(c, 2)), octal(c, 3))); }
static void do_close(const Call *c) { (void)c; result(close(fd)); fd = -1; }
static void do_write(const Call *c) { result(write(fd, text(c, 1), strlen(text(c, 1)))); }
static void do_sync(const Call *c) { (void)c; result(fsync(fd)); }
static void do_access(const Call *c) {
  int mode = (strchr(text(c, 2), 'r') ? R_OK : 0) | (strchr(text(c, 2), 'w') ? W_OK : 0) | (strchr(text(c, 2), 'x') ? X_OK : 0);
  result(access(text(c, 1), mode));
}

static void do_read(const Call *c) {
  char bytes[256];
  ssize_t count = pread(fd, bytes, sizeof bytes, number(c, 1));
  if (count < 0) return result(-1);
  for (ssize_t i = 0; i < count; i++) if (bytes[i] == 0) bytes[i] = '0';
  printf(" '%.*s'", (int)count, bytes);
}

static void do_readlink(const Call *c) {
  char target[256];
  ssize_t count = readlink(text(c, 1), target, sizeof target);
  if (count < 0) return result(-1);
  printf(" %.*s", (int)count, target);
}

/* A new open file for the one that is open */
static void do_reopen(const Call *c) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  keep(open(path, flags(text(c, 1))));
}

static void do_times(const Call *c) {
  struct timespec times[2] = {moment(text(c, 2)), moment(text(c, 3))};
  result(utimensat(AT_FDCWD, text(c, 1), times, AT_SYMLINK_NOFOLLOW));
}
static void do_ftimes(const Call *c) {
  struct timespec times[2] = {moment(text(c, 1)), moment(text(c, 2))};
  result(futimens(fd, times));
}

static void do_socket(const Call *c) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", text(c, 1));
  result(bind(s, (struct sockaddr *)&address, sizeof address));
  if (listen(s, 1) == 0) {
    int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result(connect(peer, (struct sockaddr *)&address, sizeof address));
    close(peer);
  }
  close(s);
}

static void do_fallocate(const Call *c) {
  int mode = strcmp(text(c, 1), "punch") == 0 ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : 0;
  result(fallocate(fd, mode, number(c, 2), number(c, 3)));
}
static void do_posix_fallocate(const Call *c) {
  errno = posix_fallocate(fd, number(c, 1), number(c, 2));
  result(errno ? -1 : 0);
}

/* Where the first hole is: the end of the file, where a file system knows of none */
static void do_hole(const Call *c) {
  (void)c;
  off_t at = lseek(fd, 0, SEEK_HOLE);
  if (at < 0) return result(-1);
  printf(" %lld", (long long)at);
}

static void do_setxattr(const Call *c) { result(setxattr(text(c, 1), text(c, 2), text(c, 3), strlen(text(c, 3)), 0)); }
static void do_removexattr(const Call *c) { result(removexattr(text(c, 1), text(c, 2))); }
static void do_getxattr(const Call *c) {
  char value[256];
  ssize_t count = getxattr(text(c, 1), text(c, 2), value, sizeof value);
  if (count < 0) return result(-1);
  printf(" %.*s", (int)count, value);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void do_listxattr(const Call *c) {
  char names[1024], *sorted[32];
  ssize_t size = listxattr(text(c, 1), names, sizeof names);
  int count = 0;
  if (size < 0) return result(-1);
  for (char *n = names; n < names + size && count < 32; n += strlen(n) + 1)
    if (strncmp(n, "security.selinux", 16) != 0) sorted[count++] = n;
  qsort(sorted, count, sizeof *sorted, by_name);
  printf(" [");
  for (int i = 0; i < count; i++) printf("%s%s", i ? "," : "", sorted[i]);
  printf("]");
}

/* Gives a file CAP_NET_BIND_SERVICE, as setcap(8) does */
static void do_setcap(const Call *c) {
  struct vfs_cap_data value = {
    .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, .data = {{.permitted = 1 << CAP_NET_BIND_SERVICE}}};
  result(setxattr(text(c, 1), "security.capability", &value, sizeof value, 0));
}

/* This program as a file of the case */
static void do_copy(const Call *c) {
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = open(text(c, 1), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  static char bytes[1 << 16];
  ssize_t count = to < 0 ? -1 : 0;
  while (to >= 0 && (count = read(from, bytes, sizeof bytes)) > 0)
    if (write(to, bytes, count) != count) break;
  result(count == 0 ? 0 : -1);
  close(from);
  if (to >= 0) close(to);
}

/* What a copy of this program says of its capability: `run F` */
static void do_run(const Call *c) {
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    execl(text(c, 1), text(c, 1), "may-bind", NULL);
    result(-1);
    fflush(stdout);
    _exit(1);
  }
  waitpid(child, &status, 0);
}

static int print_may_bind(void) {
  FILE *status = fopen("/proc/self/status", "r");
  unsigned long long effective = 0;
  for (char line[256]; status && fgets(line, sizeof line, status);) sscanf(line, "CapEff: %llx", &effective);
  printf(" %s", effective >> CAP_NET_BIND_SERVICE & 1 ? "may-bind" : "may-not-bind");
  return 0;
}

/* An access or default ACL that lets user 2000 do `MODE`, and the group and others nothing (acl(5), linux/posix_acl_xattr.h) */
static void do_setacl(const Call *c) {
  struct entry { unsigned short tag, permissions; unsigned id; };
  struct { unsigned version; struct entry entries[5]; } acl = {
    2, {{0x01, 7, ~0u}, {0x02, (unsigned short)octal(c, 3), 2000}, {0x04, 0, ~0u}, {0x10, 7, ~0u}, {0x20, 0, ~0u}}};
  const char *name = strcmp(text(c, 2), "default") == 0 ? "system.posix_acl_default" : "system.posix_acl_access";
  result(setxattr(text(c, 1), name, &acl, sizeof acl, 0));
}

/* The permissions of user 2000, or `none` */
static void do_getacl(const Call *c) {
  struct entry { unsigned short tag, permissions; unsigned id; };
  struct { unsigned version; struct entry entries[16]; } acl;
  const char *name = strcmp(text(c, 2), "default") == 0 ? "system.posix_acl_default" : "system.posix_acl_access";
  ssize_t size = getxattr(text(c, 1), name, &acl, sizeof acl);
  if (size < 0) return result(-1);
  for (size_t i = 0; i < (size - 4) / sizeof *acl.entries; i++)
    if (acl.entries[i].tag == 2 && acl.entries[i].id == 2000) {
      printf(" %o", acl.entries[i].permissions);
      return;
    }
  printf(" none");
}

static void do_list(const Call *c) {
  DIR *directory = opendir(text(c, 1));
  char *names[64];
  int count = 0;
  if (!directory) return result(-1);
  for (struct dirent *e; count < 64 && (e = readdir(directory));)
    if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) names[count++] = strdup(e->d_name);
  closedir(directory);
  qsort(names, count, sizeof *names, by_name);
  printf(" [");
  for (int i = 0; i < count; i++) printf("%s%s", i ? "," : "", names[i]);
  printf("]");
}

/* Stores by a shared mapping at OFFSET: `store TEXT OFFSET`. The open file must be read-write */
static void do_store(const Call *c) {
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return result(-1);
  memcpy(map + number(c, 2), text(c, 1), strlen(text(c, 1)));
  result(munmap(map, 4096));
}

/* Locks the open file, and prints whether another process gets a lock: `lock flock`, `lock fcntl` */
static void do_lock(const Call *c) {
  int is_flock = strcmp(text(c, 1), "flock") == 0, status;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int own = is_flock ? flock(fd, LOCK_EX | LOCK_NB) : fcntl(fd, F_SETLK, &lock);
  result(own);
  if (own < 0) return;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int other = open(text(c, 2), O_RDWR);
    _exit((is_flock ? flock(other, LOCK_EX | LOCK_NB) : fcntl(other, F_SETLK, &lock)) < 0 ? errno : 0);
  }
  waitpid(child, &status, 0);
  printf(" %s", WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "free");
}

static int watcher = -1;
static void do_watch(const Call *c) {
  if (watcher < 0) watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  result(inotify_add_watch(watcher, text(c, 1), IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE | IN_DELETE_SELF));
}

/* Events of inotify since the last `events` */
static void do_events(const Call *c) {
  static const struct { const char *name; uint32_t mask; } known[] = {
    {"modify", IN_MODIFY}, {"attributes", IN_ATTRIB}, {"close", IN_CLOSE_WRITE}, {"from", IN_MOVED_FROM}, {"to", IN_MOVED_TO},
    {"create", IN_CREATE}, {"delete", IN_DELETE}, {"self", IN_DELETE_SELF}, {"end", IN_IGNORED},
  };
  union { struct inotify_event event; char bytes[4096]; } buffer;
  ssize_t size = read(watcher, &buffer, sizeof buffer);
  (void)c;
  if (size < 0) return result(-1);
  for (char *at = buffer.bytes; at < buffer.bytes + size;) {
    struct inotify_event *e = (struct inotify_event *)at;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      if (e->mask & known[i].mask) printf(" %s%s%s", known[i].name, e->len ? ":" : "", e->len ? e->name : "");
    at += sizeof *e + e->len;
  }
}

static void do_as(const Call *c) {
  if (seteuid(0) < 0 || setegid(0) < 0) abort();
  uid_t user = strcmp(text(c, 1), "me") == 0 ? me : (uid_t)number(c, 1);
  if (setegid(user) < 0 || seteuid(user) < 0) abort();
}

static void do_long(const Call *c) {
  char name[300];
  memset(name, 'x', sizeof name);
  name[number(c, 1)] = 0;
  result(mkdir(name, 0755));
}

static const struct {
  const char *name;
  void (*run)(const Call *);
} calls[] = {
#define CALL(name) {#name, do_##name}
  CALL(access), CALL(as), CALL(changed), CALL(chmod), CALL(chown), CALL(close), CALL(copy), CALL(events), CALL(exchange), CALL(fallocate), CALL(fchmod),
  CALL(fchown), CALL(fstat), CALL(ftimes), CALL(ftruncate), CALL(getacl), CALL(getxattr), CALL(hole), CALL(lchown), CALL(link),
  CALL(list), CALL(listxattr), CALL(lock), CALL(long), CALL(lstat), CALL(mark), CALL(mkdir), CALL(mkfifo), CALL(mknod),
  CALL(noreplace), CALL(open), CALL(posix_fallocate), CALL(read), CALL(readlink), CALL(removexattr), CALL(rename), CALL(reopen),
  CALL(rmdir), CALL(run), CALL(setacl), CALL(setcap), CALL(setxattr), CALL(socket), CALL(stat), CALL(store), CALL(symlink), CALL(sync), CALL(times),
  CALL(truncate), CALL(umask), CALL(unlink), CALL(watch), CALL(write),
};

static void run_call(char *line) {
  Call call = {.count = 0};
  char *rest;
  for (char *word = strtok_r(line, " ", &rest); word && call.count < MAX_WORDS; word = strtok_r(NULL, " ", &rest))
    call.words[call.count++] = word;
  if (call.count == 0) return;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp(call.words[0], calls[i].name) == 0) return calls[i].run(&call);
  printf(" %s?", call.words[0]);
}

static void run_case(char *line, const char *directory, int index, uid_t user) {
  char place[300], *rest, *name = strtok_r(line, ":", &rest);
  snprintf(place, sizeof place, "%s/%d-%u", directory, index, user);
  if (mkdir(place, 0755) < 0 || chown(place, 1000, 1000) < 0 || chdir(place) < 0) _exit(2);
  umask(022);
  me = user;
  if (setgroups(0, NULL) < 0 || setresgid(user, user, 0) < 0 || setresuid(user, user, 0) < 0) _exit(2);
  printf("%s, %u:", name, user);
  char *calls_text = strtok_r(NULL, "", &rest);
  for (char *next, *call = strtok_r(calls_text, ";\n", &next); call; call = strtok_r(NULL, ";\n", &next)) run_call(call);
  printf("\n");
  fflush(stdout);
  _exit(0);
}

int main(int argc, char **argv) {
  static const uid_t users[] = {0, 1000, 2000};
  char line[1024], copy[1024];
  if (argc == 2 && strcmp(argv[1], "may-bind") == 0) return print_may_bind();
  FILE *cases = argc == 3 ? fopen(argv[1], "r") : NULL;
  if (!cases) {
    fprintf(stderr, "usage: file-cases CASES DIRECTORY\n");
    return 2;
  }
  for (int index = 0; fgets(line, sizeof line, cases); index++)
    for (size_t i = 0; line[0] != '#' && i < sizeof users / sizeof *users; i++) {
      pid_t child = fork();
      if (child == 0) run_case(strcpy(copy, line), argv[2], index, users[i]);
      int status;
      waitpid(child, &status, 0);
      if (status != 0) printf("case %d ended with %d\n", index, status);
    }
  return 0;
}

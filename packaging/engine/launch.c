/*
 * Launcher of a program that runs on Bun: executes ENGINE with the same arguments and a cleaned environment.
 * ENGINE is a path relative to the directory of this file: an installation can be moved. VARIABLES are more variables for this program.
 * Callers look for MARK in this file. IS_INIT is 1 for a program that is PID 1 of a guest, before anything is mounted.
 *
 * Bun and JavaScriptCore read variables before the first line of JavaScript. The caller's variables must not change the program (BUN_BE_BUN
 * makes it a plain Bun), and some settings exist only as variables. argv[0] becomes the path of this file: the program looks for
 * its configuration from there.
 *
 * Without a C library this file has 10 kB instead of 680 kB, and the packages contain no code under the LGPL besides Bun.
 */
#include <errno.h>
#include <linux/limits.h>
#include <stddef.h>
#include <sys/syscall.h>

/* linux/mount.h */
#define MS_NOSUID 2
#define MS_NODEV 4
#define MS_NOEXEC 8

#define INIT_PID 1
/* As the shell: a program that cannot be executed. */
#define FAILURE_EXIT 127
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Prefixes of variables that are not passed on. */
static const char *const dropped[] = {"BUN_", "JSC_", "NODE_", "MIMALLOC_", "MI_VERBOSE=", "DO_NOT_TRACK="};

static char *const added[] = {
  "BUN_CRASH_REPORT_URL=", /* A crash prints no link. */
  "BUN_ENABLE_CRASH_REPORTING=0", /* A crash is not reported. */
  "JSC_SIGNAL_FOR_GC=64", /* The default is SIGPWR. */
  VARIABLES
};

__attribute__((used)) static const char mark[] = MARK;

static const struct { long number; const char *name; } errors[] = {
  {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {EIO, "EIO"}, {E2BIG, "E2BIG"}, {ENOEXEC, "ENOEXEC"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"},
  {EBUSY, "EBUSY"}, {ENOTDIR, "ENOTDIR"}, {ENFILE, "ENFILE"}, {ETXTBSY, "ETXTBSY"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {ELOOP, "ELOOP"},
};

/* syscall(2), with the kernel's result: a negative number is an error. */
static long call(long number, const void *first, const void *second, const void *third, long fourth, long fifth) {
  long result;
  register long r10 __asm__("r10") = fourth;
  register long r8 __asm__("r8") = fifth;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

static int has_prefix(const char *text, const char *prefix) {
  while (*prefix)
    if (*text++ != *prefix++) return 0;
  return 1;
}

static int is_dropped(const char *variable) {
  for (size_t i = 0; i < COUNT(dropped); i++)
    if (has_prefix(variable, dropped[i])) return 1;
  return 0;
}

static _Noreturn void fail(const char *path, const char *called, long result) {
  const char *reason = "unknown error";
  for (size_t i = 0; i < COUNT(errors); i++)
    if (errors[i].number == -result) reason = errors[i].name;
  const char *parts[] = {path, ": ", called, " failed (", reason, ")\n"};
  for (size_t i = 0; i < COUNT(parts); i++)
    if (call(SYS_write, (void *)2, parts[i], (void *)length_of(parts[i]), 0, 0) < 0) break;
  for (;;) call(SYS_exit_group, (void *)FAILURE_EXIT, NULL, NULL, 0, 0);
}

static void mount_proc(void) {
  long result = call(SYS_mount, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  if (result < 0) fail("/proc", "mount", result);
}

/* Replaces the last component of `path`. */
static void set_name(char *path, size_t length, const char *name) {
  while (length > 0 && path[length - 1] != '/') length--;
  for (; *name; name++) path[length++] = *name;
  path[length] = '\0';
}

/* `stack` as the kernel prepares it: argc, argv, a null pointer, the environment, a null pointer. */
__attribute__((used)) static _Noreturn void start(long *stack) {
  char **argv = (char **)(stack + 1), **environment = argv + stack[0] + 1;
  /* Bun reads /proc/self/exe. */
  if (IS_INIT && call(SYS_getpid, NULL, NULL, NULL, 0, 0) == INIT_PID) mount_proc();
  char self[PATH_MAX], engine[PATH_MAX + sizeof ENGINE];
  long length = call(SYS_readlink, "/proc/self/exe", self, (void *)(sizeof self - 1), 0, 0);
  if (length < 0 || stack[0] < 1) fail("/proc/self/exe", "readlink", length);
  self[length] = '\0';
  for (long i = 0; i <= length; i++) engine[i] = self[i];
  set_name(engine, (size_t)length, ENGINE);
  argv[0] = self;

  size_t count = 0, kept = 0;
  while (environment[count]) count++;
  char *clean[count + COUNT(added) + 1];
  /* The first of two variables with the same name counts. */
  for (size_t i = 0; i < COUNT(added); i++) clean[kept++] = added[i];
  for (size_t i = 0; i < count; i++)
    if (!is_dropped(environment[i])) clean[kept++] = environment[i];
  clean[kept] = NULL;
  fail(engine, "execve", call(SYS_execve, engine, argv, clean, 0, 0));
}

__asm__(".globl _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call start\n");

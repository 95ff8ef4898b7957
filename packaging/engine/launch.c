/*
 * Launcher of a program that runs on Bun: executes ENGINE with the same arguments and a cleaned environment.
 * ENGINE is a path relative to the directory of this file: an installation can be moved. VARIABLES are more variables for this program.
 * Callers look for MARK in this file. IS_INIT is 1 for a program that is PID 1 of a guest, before anything is mounted.
 *
 * Bun and JavaScriptCore read variables before the first line of JavaScript. The caller's variables must not change the program (BUN_BE_BUN
 * makes it a plain Bun), and some settings exist only as variables. argv[0] becomes the path of this file: the program looks for
 * its configuration from there.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Prefixes of variables that are not passed on. */
static const char *const dropped[] = {"BUN_", "JSC_", "NODE_", "MIMALLOC_", "MI_VERBOSE=", "DO_NOT_TRACK="};

static char *const added[] = {
  "BUN_CRASH_REPORT_URL=", /* A crash prints no link. */
  "BUN_ENABLE_CRASH_REPORTING=0", /* A crash is not reported. */
  "JSC_SIGNAL_FOR_GC=64", /* The default is SIGPWR. */
  VARIABLES
};

__attribute__((used)) static const char mark[] = MARK;

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int is_dropped(const char *variable) {
  for (size_t i = 0; i < COUNT(dropped); i++)
    if (strncmp(variable, dropped[i], strlen(dropped[i])) == 0) return 1;
  return 0;
}

static int fail(const char *path, const char *call) {
  const char *reason = strerrorname_np(errno);
  const char *parts[] = {path, ": ", call, " failed (", reason ? reason : "unknown", ")\n"};
  for (size_t i = 0; i < COUNT(parts); i++)
    if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
  return 127;
}

int main(int argc, char **argv, char **environment) {
  /* Bun reads /proc/self/exe. */
  if (IS_INIT && getpid() == 1 && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) return fail("/proc", "mount");
  char self[PATH_MAX], engine[PATH_MAX + sizeof ENGINE];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0 || argc < 1) return fail("/proc/self/exe", "readlink");
  self[length] = '\0';
  argv[0] = self;
  strcpy(engine, self);
  strcpy(strrchr(engine, '/') + 1, ENGINE);

  size_t count = 0, kept = 0;
  while (environment[count]) count++;
  char *clean[count + COUNT(added) + 1];
  /* The first of two variables with the same name counts. */
  for (size_t i = 0; i < COUNT(added); i++) clean[kept++] = added[i];
  for (size_t i = 0; i < count; i++)
    if (!is_dropped(environment[i])) clean[kept++] = environment[i];
  clean[kept] = NULL;
  execve(engine, argv, clean);
  return fail(engine, "execve");
}

/*
 * What callers start of a program that runs on Bun: becomes the executable ENGINE, with the same arguments and a cleaned environment.
 *
 * Bun and JavaScriptCore read variables before the first line of JavaScript. Those of the caller must not change the program (BUN_BE_BUN
 * makes a plain Bun of it), and some settings can be made by variables only. argv[0] becomes the path of this file: the program looks for
 * its configuration from there.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Beginnings of variables that are not passed on. */
static const char *const dropped[] = {"BUN_", "JSC_", "NODE_", "MIMALLOC_", "MI_VERBOSE=", "DO_NOT_TRACK="};

static char *const added[] = {
  "BUN_CRASH_REPORT_URL=", /* A crash prints no link, */
  "BUN_ENABLE_CRASH_REPORTING=0", /* and is not reported. */
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int is_dropped(const char *variable) {
  for (size_t i = 0; i < COUNT(dropped); i++)
    if (strncmp(variable, dropped[i], strlen(dropped[i])) == 0) return 1;
  return 0;
}

static int fail(const char *what) {
  const char *reason = strerrorname_np(errno);
  const char *parts[] = {ENGINE ": ", what, " failed (", reason ? reason : "unknown", ")\n"};
  for (size_t i = 0; i < COUNT(parts); i++)
    if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
  return 127;
}

int main(int argc, char **argv, char **environment) {
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0 || argc < 1) return fail("readlink of /proc/self/exe");
  self[length] = '\0';
  argv[0] = self;

  size_t count = 0, kept = 0;
  while (environment[count]) count++;
  char *clean[count + COUNT(added) + 1];
  for (size_t i = 0; i < count; i++)
    if (!is_dropped(environment[i])) clean[kept++] = environment[i];
  for (size_t i = 0; i < COUNT(added); i++) clean[kept++] = added[i];
  clean[kept] = NULL;
  execve(ENGINE, argv, clean);
  return fail("execve");
}

/* The builtin `pjdfstest` of bash. As the program, it ends the process that runs it: the shell calls it in a subshell. */
#include <config.h>
#include <stdlib.h>
#include <unistd.h>

#include "builtins.h"
#include "shell.h"

int pjdfstest_main(int argc, char **argv);

static int run(WORD_LIST *list) {
  int count = 1;
  for (WORD_LIST *word = list; word; word = word->next) count++;
  char **arguments = calloc(count + 1, sizeof *arguments);
  arguments[0] = "pjdfstest";
  for (int i = 1; list; list = list->next) arguments[i++] = list->word->word;
  exit(pjdfstest_main(count, arguments));
}

static char *const documentation[] = {"See README of pjdfstest.", NULL};
struct builtin pjdfstest_struct = {"pjdfstest", run, BUILTIN_ENABLED, documentation, "pjdfstest …", 0};

#!/usr/bin/env bash
# Makes the image of pjdfstest.test.ts: pjdfstest-image.sh SOURCE FILE writes an archive for `docker import` from a directory with the
# sources of pjdfstest. It needs gcc, mmdebstrap and bash-builtins of Debian 12.
#
# The scripts run a program for each system call, and three more to judge the result: minutes of each run by emulation are for exec. Here
# the program is a builtin of bash, the same source, and misc.sh judges in the shell.
set -euo pipefail
[ $# = 2 ] || { echo 'usage: pjdfstest-image.sh SOURCE FILE' >&2; exit 2; }
source=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
suite=$(mktemp -d)
trap 'rm -rf "$suite"' EXIT

# What `configure` finds on Linux.
for name in FACCESSAT FCHMODAT FCHOWNAT FSTATAT LCHMOD LINKAT MKDIRAT MKFIFOAT MKNODAT OPENAT POSIX_FALLOCATE READLINKAT RENAMEAT SYMLINKAT \
  UTIMENSAT SYS_SYSMACROS_H STRUCT_STAT_ST_ATIM STRUCT_STAT_ST_CTIM STRUCT_STAT_ST_MTIM; do
  echo "#define HAVE_$name 1"
done >"$suite/config.h"
options=(-O1 -Wall -D_GNU_SOURCE -I "$suite")
gcc "${options[@]}" -o "$suite/pjdfstest" "$source/pjdfstest.c"
gcc "${options[@]}" -fPIC -Dmain=pjdfstest_main -c -o "$suite/program.o" "$source/pjdfstest.c"
headers=(-I /usr/include/bash -I /usr/include/bash/include -I /usr/include/bash/builtins)
gcc -O1 "${headers[@]}" -fPIC -shared -o "$suite/builtin.so" "$here/pjdfstest-builtin.c" "$suite/program.o"

cp -r "$source/tests" "$suite/tests"
cat "$here/pjdfstest-misc.sh" >>"$suite/tests/misc.sh"
cp "$here/pjdfstest-run.sh" "$suite/run.sh"
chmod -R a+rX "$suite"
mmdebstrap --quiet --variant=essential --include=mount --customize-hook="copy-in $suite /" \
  --customize-hook="mv \"\$1\"/$(basename "$suite") \"\$1\"/pjdfstest" bookworm "$2"

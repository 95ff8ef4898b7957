#!/bin/bash
# Runs scripts of pjdfstest, four at a time, since they sleep a lot: run.sh DIRECTORY OUTPUT [SCRIPT…]. Each script has a directory of its
# own in DIRECTORY. What it prints, TAP, is put into OUTPUT.
top=$1 output=$2
export top output
shift 2
cd /pjdfstest/tests || exit
# The longest scripts first.
[ $# -gt 0 ] || set -- chown/00.t unlink/00.t chmod/00.t link/00.t rename/*.t */*.t

one() {
  name=${1//\//-}
  # A directory for a script: the second mkdir of a script that is listed twice fails.
  mkdir -p "$top" && mkdir "$top/$name" 2>/dev/null && cd "$top/$name" || exit 0
  timeout 900 bash "/pjdfstest/tests/$1" >"/tmp/$name" 2>&1 </dev/null || echo "not ok - exited with $?" >>"/tmp/$name"
  cp "/tmp/$name" "$output/$name"
}
export -f one
printf '%s\n' "$@" | xargs -P 4 -I {} bash -c 'one {}'
rm -rf "$top"

#!/usr/bin/env bash
# Keeps products that take long to build, for all clones of the repository on this machine:
#
#   keep.sh KIND KEY OUTPUT COMMAND [ARG…]
#
# Unless the entry KIND/KEY exists, runs COMMAND ARG… DIR, which fills the empty directory DIR. Then copies the entry to OUTPUT.
# Entries are in $KATA_CACHE_DIR; the default is $XDG_CACHE_HOME/kata-containers or ~/.cache/kata-containers.
# An entry is complete or absent: it gets its name by a rename. The three newest entries of each kind are kept.
set -euo pipefail

[ $# -ge 4 ] || { echo "usage: keep.sh KIND KEY OUTPUT COMMAND [ARG…]" >&2; exit 2; }
kind=$1 key=$2 output=$3
shift 3
kept=3

say() { echo "$kind: $*"; }

# The lock files are empty and stay: a waiting process and a new process must lock the same file.
prune() {
  local old
  # shellcheck disable=SC2012 -- keys are hexadecimal
  for old in $( (ls -1td "$cache"/*/ | grep -v '\.building/$' | tail -n "+$((kept + 1))"; ls -1d "$cache"/*.building/) 2>/dev/null || true); do
    old=${old%/}
    # A process that builds or copies an entry holds its lock.
    (flock -n 8 && rm -rf "$old") 8>"${old%.building}.lock" || true
  done
}

directory=${KATA_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?neither KATA_CACHE_DIR nor HOME is set}/.cache}/kata-containers}
mkdir -p "$directory/$kind"
cache=$(cd "$directory/$kind" && pwd)
entry=$cache/$key
# COMMAND inherits the lock, which is held as long as a process writes to the entry.
exec 9>"$entry.lock"
flock -n 9 || { say 'waiting for a running build'; flock 9; }
if [ -d "$entry" ]; then
  say 'unchanged'
else
  rm -rf "$entry.building"
  mkdir "$entry.building"
  trap 'rm -rf "$entry.building"' EXIT
  "$@" "$entry.building"
  mv "$entry.building" "$entry"
  trap - EXIT
  say "built in $SECONDS s"
fi
touch "$entry"
mkdir -p "$output"
cp -a --sparse=always "$entry/." "$output/"
prune

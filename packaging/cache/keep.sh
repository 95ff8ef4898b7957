#!/usr/bin/env bash
# Keeps what takes long to build, for every clone on this machine:
#
#   keep.sh KIND KEY OUTPUT COMMAND [ARG…]
#
# COMMAND ARG… DIR fills the empty directory DIR, unless an entry KIND/KEY exists already; then the entry is copied to OUTPUT.
# Entries are in $KATA_CACHE_DIR, which is $XDG_CACHE_HOME/kata-containers or ~/.cache/kata-containers when it is not set.
# An entry is complete or absent: it gets its name by a rename. The newest three of each kind are kept.
set -euo pipefail

[ $# -ge 4 ] || { echo "usage: keep.sh KIND KEY OUTPUT COMMAND [ARG…]" >&2; exit 2; }
kind=$1 key=$2 output=$3
shift 3
kept=3

say() { echo "$kind: $*"; }

# The lock files stay: a waiting process and a new one must mean the same file. They are empty.
prune() {
  local old
  # shellcheck disable=SC2012 -- keys are hexadecimal
  for old in $( (ls -1td "$cache"/*/ | grep -v '\.building/$' | tail -n "+$((kept + 1))"; ls -1d "$cache"/*.building/) 2>/dev/null || true); do
    old=${old%/}
    # Whoever builds or copies an entry holds its lock.
    (flock -n 8 && rm -rf "$old") 8>"${old%.building}.lock" || true
  done
}

directory=${KATA_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?neither KATA_CACHE_DIR nor HOME is set}/.cache}/kata-containers}
mkdir -p "$directory/$kind"
cache=$(cd "$directory/$kind" && pwd)
entry=$cache/$key
# COMMAND inherits the lock: it is held as long as anybody writes to the entry.
exec 9>"$entry.lock"
flock -n 9 || { say 'waiting for the build that runs already'; flock 9; }
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

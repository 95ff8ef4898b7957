#!/usr/bin/env bash
# Prints the key of a product: a hash of all its inputs.
#
#   input-key.sh [-p PACKAGE]… [-t TEXT]… PATH…
#
# The hash covers the version of PACKAGE, the bytes of PATH, and the names of files below a directory, but not the location of PATH.
set -euo pipefail

usage() { echo "usage: input-key.sh [-p PACKAGE]… [-t TEXT]… PATH…" >&2; exit 2; }

packages=() texts=()
while getopts p:t: option; do
  case $option in
    p) packages+=("$OPTARG") ;;
    t) texts+=("$OPTARG") ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage
# Fail here for an unreadable input: the pipe below would ignore it.
for path in "$@"; do [ -r "$path" ] || { echo "input-key.sh: $path cannot be read" >&2; exit 1; }; done

{
  printf 'text %s\n' "${texts[@]}"
  [ ${#packages[@]} = 0 ] || dpkg-query -W -f='${Package} ${Version}\n' "${packages[@]}"
  for path in "$@"; do
    (cd "$(dirname "$path")" && find -L "$(basename "$path")" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
  done
} | sha256sum | cut -c1-32

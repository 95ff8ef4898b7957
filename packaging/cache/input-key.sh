#!/usr/bin/env bash
# Prints the key of a product: a hash of everything that it is made from.
#
#   input-key.sh [-p PACKAGE]… [-t TEXT]… PATH…
#
# PACKAGE counts with its version, PATH with its bytes and, in a directory, the names below it. Where PATH lies does not count.
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
# An input that cannot be read fails here; within the pipe below it would only be missing.
for path in "$@"; do [ -r "$path" ] || { echo "input-key.sh: $path cannot be read" >&2; exit 1; }; done

{
  printf 'text %s\n' "${texts[@]}"
  [ ${#packages[@]} = 0 ] || dpkg-query -W -f='${Package} ${Version}\n' "${packages[@]}"
  for path in "$@"; do
    (cd "$(dirname "$path")" && find -L "$(basename "$path")" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
  done
} | sha256sum | cut -c1-32

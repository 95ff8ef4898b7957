#!/usr/bin/env bash
# Builds the products that need no npm packages: the guest's kernel and crun in parallel, then QEMU. The results stay in the cache
# (packaging/cache), from which stage.ts copies them; stage.ts waits for a running build.
set -euo pipefail
cd "$(dirname "$0")/.."
# Without a terminal, progress is printed line by line: the caller writes to the same terminal.
exec > >(exec cat) 2>&1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
nice -n 10 packaging/crun/build.sh --output "$directory/crun" &
crun=$!
status=0
nice -n 10 packaging/kernel/build.sh --output "$directory/kernel" || status=$?
wait "$crun" || status=$?
nice -n 10 packaging/qemu/build.sh --output "$directory/qemu" || status=$?
exit "$status"

#!/usr/bin/env bash
# Builds what takes long and needs no npm packages: the guest's kernel and crun side by side, QEMU then, and after the caller's own work.
# The results stay in the cache (packaging/cache); stage.ts finds them there, and waits for a build that still runs.
set -euo pipefail
cd "$(dirname "$0")/.."
# Progress in lines, not as a line that changes: the caller writes to the same terminal.
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

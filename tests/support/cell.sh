#!/bin/sh
# Runs a command where nothing that it starts, mounts or makes meets what runs beside it:
#
#   cell.sh COMMAND [ARG…]
#
# The command has mounts, PIDs, System V IPC and a network of its own, an empty /run (with the machine's VM templates, when there
# are some), a TMPDIR, and cgroups below this shell's. SIGTERM ends it. TMPDIR and cgroups are removed afterwards.
# With KATA_ENGINES, a directory of packaging/engines, its programs and libraries take the place of the machine's.
set -eu
[ $# -gt 0 ] || { echo 'usage: cell.sh COMMAND [ARG…]' >&2; exit 2; }
name=kata-cell-$$

# Mount point, and path of this shell's cgroup below it, of each cgroup hierarchy.
hierarchies() {
  awk -v self="$(cat /proc/self/cgroup)" '
    BEGIN {
      count = split(self, lines, "\n")
      for (i = 1; i <= count; i++) { split(lines[i], part, ":"); path[part[2]] = part[3] }
    }
    $3 == "cgroup2" { print $2, path[""] }
    $3 == "cgroup" { for (key in path) { split(key, names, ","); if (key != "" && ("," $4 ",") ~ ("," names[1] ",")) print $2, path[key] } }
  ' /proc/mounts | sort -u # inside of a cell, each is mounted twice
}

hierarchies | while read -r point path; do
  directory=$point${path%/}/$name
  mkdir "$directory"
  # A cpuset of version 1 begins empty, and takes no process then.
  for file in cpuset.cpus cpuset.mems; do
    if [ -e "$directory/$file" ] && [ -z "$(cat "$directory/$file")" ]; then cat "$directory/../$file" >"$directory/$file"; fi
  done
done
TMPDIR=$(mktemp -d /tmp/kata-XXXXXX) # short: it is part of sockets' names
export TMPDIR
clean_up() {
  # Loop devices belong to no namespace.
  losetup --list --noheadings --output NAME,BACK-FILE | while read -r device file; do
    case $file in "$TMPDIR"/*) losetup --detach "$device" ;; esac
  done
  rm -rf "$TMPDIR" # what the command mounted there has ended with it
  hierarchies | while read -r point path; do
    [ ! -d "$point${path%/}/$name" ] || find "$point${path%/}/$name" -depth -type d -exec rmdir {} +
  done
}
trap clean_up EXIT

inside='
while read -r point directory; do echo 0 >"$directory/cgroup.procs"; done <"$KATA_CELL"
exec unshare --cgroup sh -c "$1" "$@"'
prepare='
top=/sys/fs/cgroup
if [ "$(stat -f -c %T "$top")" = tmpfs ]; then
  # Directories that are made beside the hierarchies are not shared with other cells.
  new=$(mktemp -d) && mount -t tmpfs -o mode=755 tmpfs "$new" || exit
  find "$top" -maxdepth 1 -type l -exec cp -P {} "$new" ";"
  while read -r point directory; do
    mkdir -p "$new${point#"$top"}" && mount --bind "$directory" "$new${point#"$top"}" || exit
  done <"$KATA_CELL"
  mount -n --move "$new" "$top" && rmdir "$new" || exit
else
  while read -r point directory; do mount --bind "$directory" "$point"; done <"$KATA_CELL"
fi
rm "$KATA_CELL"; unset KATA_CELL
new=$(mktemp -d) && mount -t tmpfs -o mode=755 tmpfs "$new" && mkdir -p "$new/lock" "$new/netns"
templates=/run/vc/vm/template
if mountpoint -q "$templates"; then
  mkdir -p "$new/vc/vm/template" && mount --bind "$templates" "$new/vc/vm/template"
fi
mount -n --move "$new" /run && rmdir "$new" && ip link set lo up || exit
if [ -n "${KATA_ENGINES-}" ]; then mount -t overlay -o "lowerdir=$KATA_ENGINES/usr:/usr" overlay /usr || exit; fi
"$@"
exit $?' # the shell stays: PID 1 reaps what others leave

KATA_CELL=$TMPDIR/cell
export KATA_CELL
hierarchies | while read -r point path; do echo "$point $point${path%/}/$name"; done >"$KATA_CELL"
unshare --mount --net --ipc --pid --fork --kill-child --propagation private --mount-proc sh -c "$inside" sh "$prepare" "$@" &
child=$!
# When PID 1 of a namespace has ended, all its processes have, and unshare ends.
trap 'kill -KILL "$(cat "/proc/$child/task/$child/children")" 2>/dev/null || true' TERM INT
while status=0; wait "$child" || status=$?; kill -0 "$child" 2>/dev/null; do :; done
exit "$status"

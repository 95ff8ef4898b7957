#!/usr/bin/env bash
# Makes the image of workloads.test.ts from Debian's packages: workload-image.sh FILE writes an archive for `docker import`.
# It needs mmdebstrap. packaging/cache keeps the result by the hash of this file.
set -euo pipefail

packages='acl apt-utils busybox-static ca-certificates createrepo-c cron curl dbus dnf docker.io gcc git iproute2 iptables iputils-ping
  libc6-dev libcap2-bin make mariadb-server nginx-light npm openjdk-17-jre-headless openssh-client openssh-server postgresql procps
  python3 python3-pip python3-setuptools python3-venv python3-wheel redis-server rpm systemd-sysv wireguard-tools'
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo 'usage: workload-image.sh FILE' >&2; exit 2; }

if [ "$1" = --into ]; then
  # shellcheck disable=SC2086 -- a list of words
  mmdebstrap --quiet --variant=minbase --include="$(echo $packages | tr ' ' ,)" bookworm "$2/image.tar"
else
  directory=$(mktemp -d)
  trap 'rm -rf "$directory"' EXIT
  "$here/../../packaging/cache/keep.sh" workload-image "$("$here/../../packaging/cache/input-key.sh" "$0")" "$directory" "$0" --into
  mv "$directory/image.tar" "$1"
fi

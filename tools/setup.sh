#!/bin/sh
# Installs what building and testing need on Debian 12: Debian packages, and the npm packages of this repository.
# Safe to run again: a second run takes seconds. `setup.sh debian` and `setup.sh npm` install only one kind.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }

debian() {
  packages='
    bc bison cpio flex gcc libc6-dev libelf-dev make perl xz-utils zstd linux-source-6.1 binutils
    busybox-static crun e2fsprogs iproute2 procps
    libaio-dev libcap-ng-dev libfdt-dev libglib2.0-dev libnuma-dev libpcre2-dev libpixman-1-dev liburing-dev meson ninja-build patch python3-venv seabios zlib1g-dev
    debian-archive-keyring dpkg-dev libcap-dev libseccomp-dev libyajl-dev pkg-config python3
    protobuf-compiler libprotobuf-dev
    apt-utils createrepo-c dnf gpg gpg-agent rpm
    aardvark-dns containerd containernetworking-plugins docker-compose docker.io iptables kmod netavark podman qemu-system-x86 runc tmux util-linux'

  missing=
  for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done

  if [ -n "$missing" ]; then
    say "installing Debian packages:$missing"
    if [ "$(id -u)" != 0 ]; then
      echo "setup: installing needs root: sudo apt-get install$missing" >&2
      exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    # Packages must not start their daemons (a second docker on this machine): policy-rc.d forbids it during the installation.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod +x "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -q
    # shellcheck disable=SC2086 -- a list of words
    apt-get install -y -q --no-install-recommends $missing
  fi
}

npm_packages() {
  if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say 'installing npm packages'
    npm ci --no-audit --no-fund
  fi
}

case ${1:-all} in
  debian) debian ;;
  npm) npm_packages ;;
  all) debian; npm_packages ;;
  *) echo 'usage: setup.sh [debian|npm]' >&2; exit 2 ;;
esac
say 'done'

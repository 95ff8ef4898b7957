#!/usr/bin/env bash
# Unpacks the engines of Debian's current stable release, docker, containerd and podman, for tests with them (tests/support/cell.sh).
# Nothing is installed: the directory usr of the result is mounted over the machine's /usr, in a mount namespace.
# packaging/cache keeps the result by the hash of this file: an updated package is fetched when the cache is empty.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh --output DIR | --print-key" >&2
  exit 2
}
[ $# -gt 0 ] || usage

suite=trixie
engines='docker.io docker-cli containerd runc tini podman conmon crun netavark containernetworking-plugins'
# What the engines load and Debian 12 does not have, or has in an older version. The C library runs Debian 12's programs as well.
libraries='libc6 libassuan9 libblkid1 libglib2.0-0t64 libgpg-error0 libgpgme11t64 libmount1 libseccomp2 libsqlite3-0 libsubid5 libsystemd0
  libyajl2'

say() { echo "engines: $*"; }

# Downloads the packages. The machine's lists and installed packages do not count: apt has directories of its own.
fetch() {
  local apt=$1/apt options
  mkdir -p "$apt/lists/partial" "$1/packages"
  : >"$apt/status"
  apt-get indextargets --format "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) $suite main" \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || { echo 'apt knows no packages: apt-get update'; return 1; }
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
    -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  # shellcheck disable=SC2086 -- lists of words
  apt-get "${options[@]}" update && cd "$1/packages" && apt-get "${options[@]}" download $engines $libraries
}

unpack() {
  local package
  for package in "$1"/packages/*.deb; do
    dpkg-deb -f "$package" Package Version | sed 's/^[^ ]* //' | paste -sd' ' >>"$1/versions" &&
      dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1/root" --wildcards --exclude='./usr/share/*' './usr*' || return
  done
}

# Everything that is linked is found, as the tests will see it.
check() {
  # shellcheck disable=SC2016 -- for the inner shell
  unshare --mount sh -c 'mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr || exit
    ldd "$1"/usr/bin/* "$1"/usr/sbin/* "$1"/usr/lib/x86_64-linux-gnu/*.so* 2>&1 || true' sh "$1/root" >"$1/linked" || return
  ! grep 'not found' "$1/linked"
}

# Fills the directory "$1".
build() {
  local work step
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  mkdir "$work/root"
  for step in fetch unpack check; do
    say "$step"
    ("$step" "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; } # no errexit in there
  done
  mv "$work/root/usr" "$work/versions" "$1/"
}

case $1 in
  --output) "$here/../cache/keep.sh" engines "$("$0" --print-key)" "${2:?}" "$here/build.sh" --into ;;
  --into) build "${2:?}" ;;
  --print-key) "$here/../cache/input-key.sh" "$here" ;;
  *) usage ;;
esac

#!/usr/bin/env bash
# Unpacks docker, containerd and podman of another Debian suite, for tests with these engines (tests/support/cell.sh):
#
#   build.sh SUITE --output DIR    SUITE is trixie or sid
#
# Nothing is installed: cell.sh mounts the directory usr of the result over the machine's /usr, in a mount namespace. The file versions of
# the result has one line for each package.
# packaging/cache caches the result by the hash of this file: updates of the suite's packages are downloaded only with an empty cache. No
# version is named here, since a suite has only the newest version of a package.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh SUITE --output DIR | SUITE --print-key" >&2
  exit 2
}
[ $# -gt 1 ] || usage

suite=$1
shift
engines='docker.io docker-cli containerd runc tini podman conmon crun netavark aardvark-dns containernetworking-plugins
  iptables'
case $suite in
  trixie) ;;
  sid) engines="$engines docker-compose" ;;
  *) usage ;;
esac

say() { echo "engines of $suite: $*"; }

# Downloads the engines and the libraries that they depend on: Debian 12 lacks some of them, and has older versions of others. Debian 12's
# programs run with the suite's C library too. apt uses directories of this build instead of the machine's lists and installed packages.
fetch() {
  local apt=$1/apt options libraries
  mkdir -p "$apt/lists/partial" "$1/packages"
  : >"$apt/status"
  apt-get indextargets --format "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) $suite main" \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || { echo 'apt knows no packages: apt-get update'; return 1; }
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
    -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  # shellcheck disable=SC2086 -- lists of arguments
  apt-get "${options[@]}" update &&
    libraries=$(apt-get "${options[@]}" install --simulate --no-install-recommends $engines | awk '$1 == "Inst" && $2 ~ /^lib/ { print $2 }') &&
    cd "$1/packages" && apt-get "${options[@]}" download $engines $libraries
}

unpack() {
  local package
  for package in "$1"/packages/*.deb; do
    dpkg-deb -f "$package" Package Version | sed 's/^[^ ]* //' | paste -sd' ' >>"$1/versions" &&
      dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1/root" --wildcards --exclude='./usr/share/*' './usr*' || return
  done
}

# Checks that every shared library is found, with /usr as the tests see it.
check() {
  # shellcheck disable=SC2016 -- for the inner shell
  unshare --mount sh -c 'mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr || exit
    ldd "$1"/usr/bin/* "$1"/usr/sbin/* "$1"/usr/lib/x86_64-linux-gnu/*.so* 2>&1 || true' sh "$1/root" >"$1/linked" || return
  ! grep 'not found' "$1/linked"
}

# Writes the product to the empty directory $1.
build() {
  local work step
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  mkdir "$work/root"
  for step in fetch unpack check; do
    say "$step"
    ("$step" "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; } # errexit does not work in this subshell
  done
  mv "$work/root/usr" "$work/versions" "$1/"
}

case $1 in
  --output) "$here/../cache/keep.sh" "engines-$suite" "$("$0" "$suite" --print-key)" "${2:?}" "$here/build.sh" "$suite" --into ;;
  --into) build "${2:?}" ;;
  --print-key) "$here/../cache/input-key.sh" -t "$suite" "$here" ;;
  *) usage ;;
esac

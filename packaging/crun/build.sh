#!/usr/bin/env bash
# Builds the guest's crun as a static program from Debian's source archive, with the patches of this directory. Debian's crun loads ten shared libraries, most of them for
# systemd, which the guest does not have. With emulation, loading them takes most of the time of a run of crun.
# packaging/cache caches the result by the hash of its inputs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh --output DIR | --print-key" >&2
  exit 2
}
[ $# -gt 0 ] || usage

tools='crun dpkg-dev gcc libc6-dev libcap-dev libseccomp-dev libyajl-dev make patch pkg-config python3'
missing=
for package in $tools; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "crun: packages are missing: apt-get install$missing" >&2
  exit 1
fi

# The version of Debian's current stable release: the archive keeps its source, but replaces those of testing and unstable.
suite=trixie
version=1.21-1

say() { echo "crun: $*"; }

# Downloads package lists of that release into a directory of this build, from the machine's own mirror: the machine's lists have neither
# that release nor sources.
fetch() {
  local apt=$1/apt options
  mkdir -p "$apt/lists/partial"
  apt-get indextargets --format "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) $suite main" \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || { echo 'apt knows no packages: apt-get update'; return 1; }
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  # --tar-only: Debian's patches change nothing that the guest uses.
  apt-get "${options[@]}" update && cd "$1" && apt-get "${options[@]}" source --download-only --tar-only "crun=$version" &&
    tar -xf crun_*.orig.tar.gz
}

# Without systemd's cgroup manager and without libgcrypt, which only the cache of seccomp programs needs. The program does not contain the
# path of the build directory.
compile() {
  local patch
  cd "$1"/crun-*/ || return 1
  for patch in "$here"/patches/*.patch; do patch -p1 --fuzz=0 <"$patch" || return 1; done
  ac_cv_search_gcry_check_version=no LIBS='-l:libyajl_s.a -lm' CFLAGS="-O2 -ffile-prefix-map=$PWD=." ./configure --quiet --disable-systemd --disable-criu --disable-dl \
    --disable-shared --enable-static --disable-dependency-tracking &&
  make git-version.h && make -j"$(nproc)" LDFLAGS='-all-static -Wl,--build-id=none' crun &&
  strip -o "$1/crun" crun &&
  "$1/crun" --version | grep -q '+CAP +SECCOMP +EBPF +YAJL'
}

# Writes the product to the empty directory $1.
build() {
  local work step
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  for step in fetch compile; do
    say "$step"
    ("$step" "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; } # errexit does not work in this subshell
  done
  cp "$work/crun" "$1/crun"
}

key() {
  local package options=()
  for package in $tools; do options+=(-p "$package"); done
  "$here/../cache/input-key.sh" "${options[@]}" -t "$(gcc --version)" -t "$(ld --version)" "$here"
}

case $1 in
  --output) "$here/../cache/keep.sh" crun "$(key)" "${2:?}" "$here/build.sh" --into ;;
  --into) build "${2:?}" ;;
  --print-key) key ;;
  *) usage ;;
esac

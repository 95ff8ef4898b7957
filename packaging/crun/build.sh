#!/usr/bin/env bash
# Builds the guest's crun from a source archive of Debian's as one static program. Debian's own program loads ten libraries, most of
# them for systemd, which a guest does not have: by emulation that is most of what a run of crun takes.
# packaging/cache keeps the result by the hash of its inputs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh --output DIR | --print-key" >&2
  exit 2
}
[ $# -gt 0 ] || usage

tools='crun dpkg-dev gcc libc6-dev libcap-dev libseccomp-dev libyajl-dev make pkg-config python3'
missing=
for package in $tools; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "crun: packages are missing: apt-get install$missing" >&2
  exit 1
fi

# Of Debian's current stable release: the archive keeps its sources, while those of testing and unstable are replaced.
suite=trixie
version=1.21-1

say() { echo "crun: $*"; }

# apt's own lists have neither that release nor sources: they are read into a directory of ours, from where the machine's own come from.
fetch() {
  local apt=$1/apt options
  mkdir -p "$apt/lists/partial"
  apt-get indextargets --format "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \$(REPO_URI) $suite main" \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || { echo 'apt knows no packages: apt-get update'; return 1; }
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  # Debian changes nothing that a guest has: its own part of the source is not needed.
  apt-get "${options[@]}" update && cd "$1" && apt-get "${options[@]}" source --download-only --tar-only "crun=$version" &&
    tar -xf crun_*.orig.tar.gz
}

# What only systemd's cgroup manager and a cache of seccomp programs would need is left out. The directory leaves no trace.
compile() {
  cd "$1"/crun-*/ &&
  ac_cv_search_gcry_check_version=no LIBS='-l:libyajl_s.a -lm' CFLAGS="-O2 -ffile-prefix-map=$PWD=." ./configure --quiet --disable-systemd --disable-criu --disable-dl \
    --disable-shared --enable-static --disable-dependency-tracking &&
  make git-version.h && make -j"$(nproc)" LDFLAGS='-all-static -Wl,--build-id=none' crun &&
  strip -o "$1/crun" crun &&
  "$1/crun" --version | grep -q '+CAP +SECCOMP +EBPF +YAJL'
}

# Fills the directory "$1".
build() {
  local work step
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  for step in fetch compile; do
    say "$step"
    ("$step" "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; } # no errexit in there
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

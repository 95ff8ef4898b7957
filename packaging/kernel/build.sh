#!/usr/bin/env bash
# Builds the guest kernel from Debian's kernel source with the fragments beside this file.
# The result is kept by the hash of its inputs: an unchanged kernel costs nothing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${KATA_CACHE_DIR:-$here/../../.cache}
output=
print_hash=

usage() {
  echo "usage: build.sh --output DIR [--cache DIR] | --print-hash" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --output) output=${2:?}; shift 2 ;;
    --cache) cache=${2:?}; shift 2 ;;
    --print-hash) print_hash=yes; shift ;;
    *) usage ;;
  esac
done
[ -n "$output$print_hash" ] || usage

source_archive=/usr/src/linux-source-6.1.tar.xz
# Shown by `uname -r` after the version, so that a user sees whose kernel it is.
local_version=-1.container

missing=()
[ -f "$source_archive" ] || missing+=(linux-source-6.1)
for pair in gcc:gcc make:make flex:flex bison:bison bc:bc xz:xz-utils perl:perl zstd:zstd; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ -f /usr/include/libelf.h ] || missing+=(libelf-dev)
if [ ${#missing[@]} -gt 0 ]; then
  echo "kernel: packages are missing: apt-get install ${missing[*]}" >&2
  exit 1
fi

key=$( { cat "$here"/fragments/*.conf "$here/build.sh"; dpkg-query -W -f='${Version}' linux-source-6.1; gcc -dumpfullversion; } | sha256sum | cut -c1-32)
if [ -n "$print_hash" ]; then
  echo "$key"
  exit 0
fi

say() { echo "kernel: $*"; }

# Shows how far make has come: one changing line on a terminal, a line now and then elsewhere.
progress() {
  local count=0 start=$SECONDS last=0 total=2340
  while read -r _; do
    count=$((count + 1))
    if [ -t 1 ]; then
      printf '\rkernel: %d of about %d files, %d s' "$count" "$total" $((SECONDS - start))
    elif [ $((SECONDS - last)) -ge 20 ]; then
      last=$SECONDS
      say "$count of about $total files, $((SECONDS - start)) s"
    fi
  done
  if [ -t 1 ]; then echo; fi
}

# Every wish of the fragments must have survived Kconfig's own mind about dependencies.
check_configuration() {
  local line name lost=0
  while read -r line; do
    name=${line%%=*}
    if [ "${line#*=}" = n ]; then
      if grep -q "^$name=" .config; then echo "kernel: $name is on, and should be off" >&2; lost=1; fi
    elif ! grep -qxF "$line" .config; then
      echo "kernel: $line was lost" >&2
      lost=1
    fi
  done < <(grep -h '^CONFIG' "$here"/fragments/*.conf)
  return $lost
}

build() {
  local work=$1
  say "unpacking $source_archive"
  tar -C "$work" -xf "$source_archive"
  cd "$work"/linux-source-*
  export KBUILD_BUILD_USER=katabuilduser KBUILD_BUILD_HOST=katabuildhost KBUILD_BUILD_TIMESTAMP='Mon May 22 00:00:00 UTC 2018' KBUILD_BUILD_VERSION=1
  make -s tinyconfig >/dev/null
  scripts/kconfig/merge_config.sh -m -O . .config "$here"/fragments/*.conf >"$work/merge.log" 2>&1
  echo "CONFIG_LOCALVERSION=\"$local_version\"" >>.config
  make -s olddefconfig
  check_configuration
  say "compiling with $(nproc) jobs"
  # The compiler need not collect its garbage for files this small: a sixth of its time, and the same code.
  make -j"$(nproc)" KCFLAGS='--param ggc-min-heapsize=400000' bzImage 2>"$work/errors.log" | progress
  [ -f arch/x86/boot/bzImage ] || { tail -n 20 "$work/errors.log" >&2; return 1; }
  local release
  release=$(make -s kernelrelease)
  mkdir "$work/result"
  cp arch/x86/boot/bzImage "$work/result/vmlinuz-$release"
  cp .config "$work/result/config-$release"
  ln -s "vmlinuz-$release" "$work/result/vmlinuz.container"
}

mkdir -p "$cache/kernel"
cache=$(cd "$cache" && pwd)
entry=$cache/kernel/$key
# Whoever finds what it wants need not wait for somebody who builds another kernel.
[ -d "$entry" ] || { exec 9>"$cache/kernel/lock"; flock 9; }
if [ ! -d "$entry" ]; then
  work=$(mktemp -d "$cache/kernel/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (build "$work")
  mv "$work/result" "$entry"
  say "done in $SECONDS s: $(du -Lk "$entry/vmlinuz.container" | cut -f1) KiB"
else
  say "unchanged"
fi
mkdir -p "$output"
cp -a "$entry/." "$output/"

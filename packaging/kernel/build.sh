#!/usr/bin/env bash
# Builds the guest kernel from Debian's kernel source, with the patches and configuration fragments of this directory.
# packaging/cache caches the result by the hash of its inputs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh --output DIR | --print-key" >&2
  exit 2
}
[ $# -gt 0 ] || usage

source_archive=/usr/src/linux-source-6.1.tar.xz
# `uname -r` in a container shows this suffix: users see that the kernel is the guest's.
local_version=-1.container

missing=()
[ -f "$source_archive" ] || missing+=(linux-source-6.1)
for pair in gcc:gcc make:make flex:flex bison:bison bc:bc xz:xz-utils perl:perl zstd:zstd patch:patch; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ -f /usr/include/libelf.h ] || missing+=(libelf-dev)
if [ ${#missing[@]} -gt 0 ]; then
  echo "kernel: packages are missing: apt-get install ${missing[*]}" >&2
  exit 1
fi

say() { echo "kernel: $*"; }

# Shows the progress of make: on a terminal one line that changes, otherwise a line every 20 seconds.
progress() {
  local count=0 start=$SECONDS last=0 total=2770
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

# Checks that the configuration has every option of the fragments: Kconfig drops options whose dependencies are missing.
check_configuration() {
  local line name lost=0
  while read -r line; do
    name=${line%%=*}
    if [ "${line#*=}" = n ]; then
      if grep -q "^$name=" .config; then echo "kernel: $name is set, but a fragment unsets it" >&2; lost=1; fi
    elif ! grep -qxF "$line" .config; then
      echo "kernel: $line is not in the configuration: a dependency is missing" >&2
      lost=1
    fi
  done < <(grep -h '^CONFIG' "$here"/fragments/*.conf)
  return $lost
}

# Writes the product to the empty directory $1.
build() {
  local result=$1 work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  say "unpacking $source_archive"
  tar -C "$work" -xf "$source_archive"
  cd "$work"/linux-source-*
  local patch
  for patch in "$here"/patches/*.patch; do patch --silent --strip=1 <"$patch"; done
  export KBUILD_BUILD_USER=katabuilduser KBUILD_BUILD_HOST=katabuildhost KBUILD_BUILD_TIMESTAMP='Mon May 22 00:00:00 UTC 2018' KBUILD_BUILD_VERSION=1
  make -s tinyconfig >/dev/null
  scripts/kconfig/merge_config.sh -m -O . .config "$here"/fragments/*.conf >"$work/merge.log" 2>&1
  echo "CONFIG_LOCALVERSION=\"$local_version\"" >>.config
  make -s olddefconfig
  check_configuration
  say "compiling with $(nproc) jobs"
  # GCC's garbage collector takes a sixth of the build time, and files this small do not need it. The code is the same.
  make -j"$(nproc)" KCFLAGS='--param ggc-min-heapsize=400000' bzImage 2>"$work/errors.log" | progress
  [ -f arch/x86/boot/bzImage ] || { tail -n 20 "$work/errors.log" >&2; return 1; }
  local release
  release=$(make -s kernelrelease)
  cp arch/x86/boot/bzImage "$result/vmlinuz-$release"
  cp .config "$result/config-$release"
  ln -s "vmlinuz-$release" "$result/vmlinuz.container"
  say "$(du -Lk "$result/vmlinuz.container" | cut -f1) KiB"
}

key() { "$here/../cache/input-key.sh" -p linux-source-6.1 -t "$(gcc --version)" -t "$(ld --version)" "$here"; }

case $1 in
  --output) "$here/../cache/keep.sh" kernel "$(key)" "${2:?}" "$here/build.sh" --into ;;
  --into) build "${2:?}" ;;
  --print-key) key ;;
  *) usage ;;
esac

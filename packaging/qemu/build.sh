#!/usr/bin/env bash
# Builds qemu-lite from Debian's source package: a static QEMU with the patches of this directory and the devices of devices.mak, and the
# three ROMs that it loads. DIR gets the files of an installation below /usr. packaging/cache caches the result by the hash of its inputs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: build.sh --output DIR | --print-key" >&2
  exit 2
}
[ $# -gt 0 ] || usage

# Packages whose static libraries are linked into the program.
linked='libaio-dev libc6-dev libcap-ng-dev libfdt-dev libglib2.0-dev libnuma-dev libpcre2-dev libpixman-1-dev libseccomp-dev liburing-dev zlib1g-dev'
tools="binutils dpkg-dev gcc make meson ninja-build patch pkg-config python3 python3-venv qemu-system-x86 seabios $linked"
missing=
for package in $tools; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "qemu: packages are missing: apt-get install$missing" >&2
  exit 1
fi

# The version of this machine's QEMU package. The patches apply to Debian 12's.
version=$(dpkg-query -W -f='${source:Version}' qemu-system-x86)
say() { echo "qemu: $*"; }

# Shows the progress of ninja: on a terminal one line that changes, otherwise a line every 20 seconds.
progress() {
  local line last=0
  while read -r line; do
    case $line in
      \[*)
        if [ -t 1 ]; then
          printf '\rqemu: %-14s %d s' "${line%%]*}]" "$SECONDS"
        elif [ $((SECONDS - last)) -ge 20 ]; then
          last=$SECONDS
          say "${line%%]*}], $SECONDS s"
        fi
        ;;
    esac
  done
  if [ -t 1 ]; then echo; fi
}

# Downloads the lists of sources into a directory of this build, from the machine's own mirror: the machine's lists may lack sources.
fetch() {
  local apt=$1/apt options
  mkdir -p "$apt/lists/partial"
  apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || { echo 'apt knows no packages: apt-get update'; return 1; }
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  apt-get "${options[@]}" update && cd "$1" && apt-get "${options[@]}" source "qemu=$version"
}

configure() {
  cd "$1"/qemu-*/ || return 1
  local patch
  for patch in "$here"/patches/*.patch; do patch -p1 --fuzz=0 <"$patch" || return 1; done
  cp "$here/devices.mak" configs/devices/x86_64-softmmu/lite.mak
  mkdir build && cd build || return 1
  # PATH: configure uses the first Meson and Python on it, and these must be the distribution's. --build-id identifies the program.
  # The program does not contain the path of the build directory.
  PATH=/usr/sbin:/usr/bin:/sbin:/bin ../configure --meson=/usr/bin/meson --target-list=x86_64-softmmu --static \
    --prefix=/usr --with-suffix=qemu-lite --without-default-features --without-default-devices --with-devices-x86_64=lite \
    --with-pkgversion="Debian ${version#*:}, qemu-lite" \
    --enable-{tcg,kvm,virtfs,attr,seccomp,linux-aio,linux-io-uring,numa,membarrier,malloc-trim,vhost-kernel,vhost-net,vhost-user,avx2,cap-ng} \
    --enable-fdt=system --enable-trace-backends=nop --disable-qom-cast-debug --disable-install-blobs --disable-werror --disable-debug-info \
    --extra-cflags="-ffile-prefix-map=$(cd .. && pwd)=. -ffile-prefix-map=..=. -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2" \
    --extra-ldflags='-Wl,-z,relro,-z,now -Wl,--build-id=sha1'
}

compile() {
  cd "$1"/qemu-*/build || return 1
  PATH=/usr/sbin:/usr/bin:/sbin:/bin ninja qemu-system-x86_64 2>&1
}

roms='kvmvapic.bin linuxboot_dma.bin'

# The licences of QEMU, SeaBIOS and the linked libraries, from Debian's packages.
licences() {
  local package
  mkdir -p "$2"
  cp "$1"/COPYING "$1"/COPYING.LIB "$1"/LICENSE "$2/" || return 1
  for package in $linked seabios; do cp "/usr/share/doc/$package/copyright" "$2/$package.copyright" || return 1; done
}

collect() {
  local source result=$1/result
  source=$(cd "$1"/qemu-*/ && pwd)
  cd "$source/build" || return 1
  # configure writes this file only where 32-bit programs can be linked. The ROMs do not need that.
  printf '%s\n' "TOPSRC_DIR=$source" TARGET_DIR= CC=gcc OBJCOPY=objcopy PYTHON=python3 >pc-bios/optionrom/config.mak
  # shellcheck disable=SC2086 -- a list of arguments
  PATH=/usr/sbin:/usr/bin:/sbin:/bin make -C pc-bios/optionrom $roms || return 1
  mkdir -p "$result/bin" "$result/share/qemu-lite" || return 1
  strip -o "$result/bin/qemu-lite-system-x86_64" qemu-system-x86_64 || return 1
  # shellcheck disable=SC2086
  (cd pc-bios/optionrom && cp $roms "$result/share/qemu-lite/") || return 1
  cp /usr/share/seabios/bios-256k.bin "$result/share/qemu-lite/" && cp "$here/features" "$result/share/qemu-lite/" || return 1
  chmod 0644 "$result"/share/qemu-lite/*
  licences "$source" "$result/share/licenses/qemu-lite" || return 1
  "$result/bin/qemu-lite-system-x86_64" --version
}

# Writes the product to the empty directory $1.
build() {
  local work step
  work=$(mktemp -d)
  # shellcheck disable=SC2064 -- $work is local
  trap "rm -rf '$work'" EXIT
  for step in fetch configure compile collect; do
    say "$step"
    if [ "$step" = compile ]; then
      ("$step" "$work") | tee "$work/log" | progress || { tail -n 20 "$work/log" >&2; exit 1; }
    else
      ("$step" "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; } # errexit does not work in this subshell
    fi
  done
  cp -a "$work/result/." "$1/"
}

key() {
  local package options=()
  for package in $tools; do options+=(-p "$package"); done
  "$here/../cache/input-key.sh" "${options[@]}" -t "$(gcc --version)" -t "$(ld --version)" "$here"
}

case $1 in
  --output) "$here/../cache/keep.sh" qemu "$(key)" "${2:?}" "$here/build.sh" --into ;;
  --into) build "${2:?}" ;;
  --print-key) key ;;
  *) usage ;;
esac

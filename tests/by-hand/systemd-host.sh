#!/usr/bin/env bash
# A host with systemd as PID 1, cgroup version 2 and KVM: a VM with Debian 12 that this machine emulates.
#
#   systemd-host.sh build DIR STAGE    makes DIR/disk.img; `node tools/stage.ts --prefix /opt/kata STAGE` makes STAGE
#   systemd-host.sh boot DIR           boots it and waits for ssh; DIR/console.log is its console
#   systemd-host.sh run DIR COMMAND    runs a command as root in it, with this command's stdin and stdout
#   systemd-host.sh stop DIR           shuts it down
#
# The host has docker, podman, STAGE in /opt/kata, and this repository, read-only, at the path that it has here. VMs in it run with KVM: its
# CPU is an emulated AMD CPU with SVM. The script needs mmdebstrap, qemu-system-x86, ssh, 3 GB of disk and 6 GB of memory.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
packages='linux-image-amd64 initramfs-tools zstd apparmor systemd-sysv dbus libpam-systemd openssh-server
  kmod iproute2 iptables procps bpftool ipvsadm jq busybox-static
  docker.io runc crun conmon podman netavark aardvark-dns containernetworking-plugins'

usage() { sed -n '4,7s/^# *//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 directory=$(realpath -m "$2")
shift 2

# Writes the files that no package brings below $1.
settings() {
  mkdir -p "$1"/etc/{initramfs-tools/conf.d,systemd/network,docker,containers,modules-load.d} "$1/root/.ssh" "$1$repository"
  echo MODULES=list >"$1/etc/initramfs-tools/conf.d/list" # an initrd with all modules takes a minute to unpack
  printf '%s\n' virtio_pci virtio_blk ext4 crc32c_generic >"$1/etc/initramfs-tools/modules"
  printf '%s\n' kvm_amd vhost_net >"$1/etc/modules-load.d/kata.conf"
  echo systemd-host >"$1/etc/hostname"
  printf '%s\n' '/dev/vda / ext4 defaults 0 1' \
    "repository $repository 9p ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose 0 0" >"$1/etc/fstab"
  printf '%s\n' '[Match]' 'Name=en*' '[Network]' DHCP=ipv4 >"$1/etc/systemd/network/host.network"
  # CNI's plugin bridge fails when udev changes the MAC address of a new veth.
  printf '%s\n' '[Match]' Driver=veth '[Link]' MACAddressPolicy=none >"$1/etc/systemd/network/10-veth.link"
  echo '{ "runtimes": { "kata-runtime": { "path": "/opt/kata/usr/bin/kata-runtime" } } }' >"$1/etc/docker/daemon.json"
  printf '%s\n' '[engine.runtimes]' 'kata = ["/opt/kata/usr/bin/kata-runtime"]' >"$1/etc/containers/containers.conf"
  cp "$directory/key.pub" "$1/root/.ssh/authorized_keys"
  chmod 700 "$1/root" "$1/root/.ssh"
}

build() {
  local stage root
  stage=$(realpath "$1")
  mkdir -p "$directory"
  [ -e "$directory/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$directory/key"
  root=$(mktemp -d "$directory/root.XXXXXX")
  # shellcheck disable=SC2064 -- $root is local
  trap "rm -rf --one-file-system '$root'" EXIT
  settings "$root/settings"
  # shellcheck disable=SC2016,SC2086 -- for the shell of the hook; a list of words
  unshare --mount mmdebstrap --quiet --mode=root --variant=minbase --dpkgopt=force-confold --include="$(echo $packages | tr ' ' ,)" \
    --essential-hook="cp -a '$root/settings/.' \"\$1\"" \
    --customize-hook='chroot "$1" systemctl enable systemd-networkd' \
    --customize-hook="cp -a '$stage' \"\$1/opt/kata\"" \
    bookworm "$root/tree"
  cp "$root"/tree/boot/vmlinuz-* "$directory/vmlinuz"
  cp "$root"/tree/boot/initrd.img-* "$directory/initrd"
  rm -f "$directory/disk.img"
  mke2fs -q -t ext4 -d "$root/tree" "$directory/disk.img" 16G
}

run() { ssh -q -i "$directory/key" -p "$(cat "$directory/port")" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 "$@"; }

boot() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  echo "$port" >"$directory/port"
  qemu-system-x86_64 -daemonize -pidfile "$directory/pid" -display none -no-reboot \
    -machine q35 -accel tcg,thread=multi -cpu EPYC -smp 2 -m 6G \
    -kernel "$directory/vmlinuz" -initrd "$directory/initrd" -append 'root=/dev/vda rw console=ttyS0 quiet mitigations=off' \
    -drive "file=$directory/disk.img,format=raw,if=virtio,cache=unsafe" \
    -virtfs "local,path=$repository,mount_tag=repository,security_model=none,readonly=on" \
    -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=net \
    -device virtio-rng-pci -serial "file:$directory/console.log" -monitor none
  until run true; do
    kill -0 "$(cat "$directory/pid")"
    sleep 2
  done
}

stop() {
  run poweroff || true # the connection ends with the host
  tail -f /dev/null --pid="$(cat "$directory/pid")"
}

case $verb in
  build) [ $# = 1 ] || usage; build "$1" ;;
  boot) boot ;;
  run) run "$@" ;;
  stop) stop ;;
  *) usage ;;
esac

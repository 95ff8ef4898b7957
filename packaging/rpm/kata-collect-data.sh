#!/bin/sh
# Prints the data for a problem report as Markdown: `kata-collect-data.sh > report.md`. Values that look like secrets are left out.
set -u

version=1
lines=200 # of each log
# The installation that contains this script: /usr, or a directory of the static tarball.
bin=$(cd "$(dirname "$0")" && pwd -P)
PATH=$bin:$PATH
usr=${bin%/*}

usage() {
  cat <<EOT
Usage: kata-collect-data.sh [-h | -v]

Prints the data for a problem report about Kata Containers as Markdown on stdout. Must be run as root.
Read it before you publish it: it omits passwords, tokens and keys that it recognises.
EOT
}

case ${1-} in
'') ;;
-h | --help) usage && exit 0 ;;
-v | --version) echo "kata-collect-data.sh version $version" && exit 0 ;;
*) usage >&2 && exit 1 ;;
esac
if [ "$(id -u)" != 0 ]; then
  echo 'kata-collect-data.sh: must be run as root' >&2
  exit 1
fi

has() { command -v "$1" >/dev/null 2>&1; }

redact() {
  sed -E \
    -e 's/((passw(or)?d|passphrase|secret|token|api[_-]?key|authorization|credential)[A-Za-z0-9_-]*["'"'"']?[[:space:]]*[:=][[:space:]]*).*/\1[left out]/I' \
    -e 's#(://)[^/@[:space:]]+@#\1[left out]@#g'
}

# Many reports are about a command that hangs: the output of the other commands is still collected.
bounded() {
  timeout -k 5 20 "$@" || case $? in 124 | 137) echo "$1: did not finish within 20 s" ;; esac
}

heading() { printf '\n# %s\n' "$1"; }
subheading() { printf '\n## %s\n' "$1"; }

# The output of a command in a block, or a note that the command is not installed.
show() {
  printf '\nOutput of `%s`:\n\n```\n' "$*"
  if has "$1"; then bounded "$@" 2>&1 | redact; else echo "$1: not installed"; fi
  printf '```\n'
}

file() {
  [ -e "$1" ] || return 0
  printf '\n`%s`:\n\n```\n' "$1"
  redact <"$1"
  printf '```\n'
}

journal() {
  has journalctl || return 0
  printf '\nLast lines of `%s`:\n\n```\n' "$1"
  bounded journalctl --quiet --no-pager --output short-iso --lines "$lines" --identifier "$1" 2>&1 | redact
  printf '```\n'
}

configuration() {
  bounded kata-runtime --kata-show-default-config-paths 2>/dev/null | while read -r path; do
    file "$path"
    for part in "$(dirname "$path")"/config.d/*.toml; do file "$part"; done
  done
}

managers() {
  subheading Docker
  show docker version
  show docker info
  file /etc/docker/daemon.json
  for part in /etc/systemd/system/docker.service.d/*.conf; do file "$part"; done
  subheading containerd
  show containerd --version
  file /etc/containerd/config.toml
  subheading CRI-O
  show crio --version
  file /etc/crio/crio.conf
  for part in /etc/crio/crio.conf.d/*; do file "$part"; done
  subheading Kubernetes
  show kubelet --version
  subheading Podman
  show podman --version
}

packages() {
  pattern='(kata|qemu|docker|containerd|cri-o|podman|runc)'
  if has rpm && bounded rpm -qa 2>/dev/null | grep -q .; then
    printf '\n```\n%s\n```\n' "$(bounded rpm -qa | grep -E "$pattern" | sort)"
  elif has dpkg-query; then
    printf '\n```\n%s\n```\n' "$(bounded dpkg-query -W | grep -E "$pattern")"
  fi
}

heading 'Meta details'
printf '\nWritten by `kata-collect-data.sh`, version %s, at `%s`.\n' "$version" "$(date --utc '+%F %T %Z')"
heading Runtime
show kata-runtime --version
show kata-runtime kata-env
show kata-runtime kata-check
show kata-runtime kata-check --strict
show kata-runtime list --kata-all
show kata-runtime factory status
heading 'Runtime configuration files'
configuration
heading 'KSM throttler'
show "$usr/libexec/kata-ksm-throttler/kata-ksm-throttler" -version
show systemctl --no-pager status kata-ksm-throttler.service
heading 'Image and initrd'
file "$usr/share/kata-containers/manifest.json"
show ls -l "$usr/share/kata-containers"
heading 'Kata Containers logs'
for name in kata-runtime kata-proxy kata-shim kata-ksm-throttler; do
  subheading "$name"
  journal "$name"
done
heading 'Container managers'
managers
heading Packages
packages

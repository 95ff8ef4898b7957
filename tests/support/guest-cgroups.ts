/**
 * Shell text that mounts cgroups of version 1 in a mount namespace, one hierarchy for each controller, as in a guest. crun refuses hosts
 * with both versions mounted. To be used on a host whose /sys/fs/cgroup is not version 2 alone.
 */
export const mountVersion1 = `
mount -t tmpfs none /sys/fs/cgroup
while read -r name _ _ enabled; do
  case $name in \\#*) continue;; esac
  [ "$enabled" = 1 ] || continue
  mkdir -p /sys/fs/cgroup/$name
  mount -t cgroup -o $name cgroup /sys/fs/cgroup/$name 2>/dev/null || rmdir /sys/fs/cgroup/$name
done < /proc/cgroups`;

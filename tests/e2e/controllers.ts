/**
 * containerd reads statistics only if every cgroup controller of the kernel is mounted, as systemd does. On other machines the missing
 * controllers are mounted in the engine's mount namespace.
 */
import { existsSync, readFileSync, rmdirSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';

/** Controllers of version 1 with a hierarchy that is not mounted. */
const missing: readonly string[] = readFileSync('/proc/self/cgroup', 'utf8')
  .split('\n')
  .flatMap((line) => /^[1-9]\d*:([a-z_,]+):/.exec(line)?.[1] ?? [])
  .filter((name) => !existsSync(`${ROOT}/${name}`));

/** Shell text for `Engine.start`. */
export const mountControllers: string = [
  ':',
  ...missing.map((name) => `mkdir -p ${ROOT}/${name} && mount -t cgroup -o ${name} cgroup ${ROOT}/${name}`),
].join(' && ');

/** Removes the empty directories, once the engine has ended. */
export function removeControllers(): void {
  for (const name of missing) if (existsSync(`${ROOT}/${name}`)) rmdirSync(`${ROOT}/${name}`);
}

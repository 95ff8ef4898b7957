/**
 * containerd reads statistics only when every cgroup controller of the kernel is mounted, which systemd sees to. Where
 * it did not, an engine is given those that are missing, in its own mount namespace.
 */
import { existsSync, readFileSync, rmdirSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';

/** Controllers of version 1 that have a hierarchy and no mount. */
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

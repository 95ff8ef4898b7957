import { oomKills } from '@kata-containers/common/cgroups/oom-kills';

/** True when a process of one of the cgroups was OOM-killed. The two cgroup versions have the count in different files. */
export const killedForMemory = (directories: readonly string[]): boolean =>
  directories.some((path) => ([1, 2] as const).some((version) => oomKills({ version, directory: () => path }) > 0));

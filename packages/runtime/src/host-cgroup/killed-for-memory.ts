import { oomKills } from '@kata-containers/common/cgroups/oom-kills';

/** True when the kernel has killed in one of the groups for want of memory. Only version 1 or version 2 has the file that tells. */
export const killedForMemory = (directories: readonly string[]): boolean =>
  directories.some((path) => ([1, 2] as const).some((version) => oomKills({ version, directory: () => path }) > 0));

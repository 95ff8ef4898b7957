/** The mounts that the agent makes first as PID 1. Its launcher has mounted /proc (packaging/engine/launch.c). Pure. */
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '@kata-containers/common/kernel/constants';

export interface SystemMount {
  readonly source: string;
  readonly target: string;
  readonly fstype: string;
  readonly flags: number;
  readonly data?: string;
  /** May fail: the kernel has mounted it already (devtmpfs), or the guest works without it. */
  readonly optional?: boolean;
}

const PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** In mount order. The root file system is read-only, so every writable directory is a tmpfs. */
export const systemMounts: readonly SystemMount[] = [
  { source: 'sysfs', target: '/sys', fstype: 'sysfs', flags: PLAIN },
  { source: 'devtmpfs', target: '/dev', fstype: 'devtmpfs', flags: MS_NOSUID, data: 'mode=755', optional: true },
  { source: 'tmpfs', target: '/dev/shm', fstype: 'tmpfs', flags: MS_NOSUID | MS_NODEV, data: 'mode=1777' },
  { source: 'devpts', target: '/dev/pts', fstype: 'devpts', flags: MS_NOSUID | MS_NOEXEC, data: 'mode=620,gid=5,ptmxmode=666' },
  { source: 'mqueue', target: '/dev/mqueue', fstype: 'mqueue', flags: PLAIN, optional: true },
  { source: 'tmpfs', target: '/run', fstype: 'tmpfs', flags: MS_NOSUID | MS_NODEV, data: 'mode=755' },
  { source: 'tmpfs', target: '/tmp', fstype: 'tmpfs', flags: MS_NOSUID | MS_NODEV, data: 'mode=1777' },
];

/** The controllers that /proc/cgroups lists as enabled. */
export function enabledControllers(procCgroups: string): string[] {
  return procCgroups.split('\n').flatMap((line) => {
    const [name, , , enabled] = line.split('\t');
    return name === undefined || name.startsWith('#') || enabled !== '1' ? [] : [name];
  });
}

/** Version 1: one hierarchy for each controller. */
export function cgroupV1Mounts(controllers: readonly string[]): SystemMount[] {
  const root = '/sys/fs/cgroup';
  const top: SystemMount = { source: 'tmpfs', target: root, fstype: 'tmpfs', flags: PLAIN, data: 'mode=755' };
  return [top, ...controllers.map((name) => ({ source: 'cgroup', target: `${root}/${name}`, fstype: 'cgroup', flags: PLAIN, data: name }))];
}

export const cgroupV2Mount: SystemMount = {
  source: 'cgroup2',
  target: '/sys/fs/cgroup',
  fstype: 'cgroup2',
  flags: PLAIN,
  data: 'nsdelegate',
};

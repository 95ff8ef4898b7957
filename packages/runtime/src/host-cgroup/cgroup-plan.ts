/** The host's cgroups for the processes of a sandbox (cgroups(7)). Pure. */

/** Those whose figures engines read. Limits are the guest's business. */
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];

export interface CgroupPlan {
  readonly version: 1 | 2;
  /** Of version 2's root, or of each hierarchy of version 1. */
  readonly roots: readonly string[];
  /** One below each root, to be made. */
  readonly directories: readonly string[];
}

/** No path leads out of the hierarchy. */
const namesIn = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');

/** `a-b.slice` is inside `a.slice`, and `-.slice` is the root (systemd.slice(5)). */
function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const parts = slice.replace(/\.slice$/, '').split('-');
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/');
}

/** 1.x' place for a container: the engine's, with `kata_` before the last name, because the engine may make the other itself. */
export function cgroupPath(cgroupsPath: string | undefined, id: string): string {
  const [slice = '', prefix, name] = (cgroupsPath ?? '').split(':');
  if (prefix !== undefined && name !== undefined)
    return `/${[...namesIn(slicePath(slice || 'system.slice')), `kata_${prefix}-${name}.scope`.replaceAll('/', '-')].join('/')}`;
  const given = cgroupsPath ?? '';
  const parts = namesIn(given);
  const last = parts.pop() ?? id;
  return `/${[...(given.startsWith('/') ? [] : ['vc']), ...parts, `kata_${last}`].join('/')}`;
}

interface Mount {
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** cgroup mounts in /proc/self/mountinfo's text (proc(5)). */
function cgroupMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [point, [type, , options]] = [left.split(' ')[4], right.split(' ')];
    if (point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ point, type, options: (options ?? '').split(',') }];
  });
}

/** Where the host's hierarchies are mounted. */
export const cgroupRoots = (mountinfo: string): string[] => [...new Set(cgroupMounts(mountinfo).map(({ point }) => point))];

/** undefined on a host without cgroups. Where version 1 has the controllers, an empty version 2 beside it does not count. */
export function planCgroup(mountinfo: string, path: string): CgroupPlan | undefined {
  const mounts = cgroupMounts(mountinfo);
  const first = mounts.filter(({ type, options }) => type === 'cgroup' && CONTROLLERS.some((name) => options.includes(name)));
  const second = mounts.filter(({ type }) => type === 'cgroup2').slice(0, 1);
  const chosen = first.length > 0 ? first : second;
  if (chosen.length === 0) return undefined;
  const roots = [...new Set(chosen.map(({ point }) => point))];
  return { version: first.length > 0 ? 1 : 2, roots, directories: roots.map((root) => `${root}${path}`) };
}

export interface CpusetPlan {
  readonly version: 1 | 2;
  /** From the outermost to the one that has the set. */
  readonly directories: readonly string[];
  /** Files that hand the controller down (version 2). */
  readonly controls: readonly string[];
  /** File that the virtual CPUs' threads are written to; none where they are in the group already. */
  readonly members?: 'tasks' | 'cgroup.threads';
}

/** In version 2 a threaded group below one with processes is for threads alone: with `whole` the sandbox' own group has the set. */
function version2Plan(directory: string, whole: boolean): CpusetPlan {
  if (whole) return { version: 2, directories: [directory], controls: [] };
  const controls = [`${directory}/cgroup.subtree_control`];
  return { version: 2, directories: [`${directory}/vcpus`], controls, members: 'cgroup.threads' };
}

/**
 * Where the CPU set of the sandbox with the group `directory` is: in version 1 at the same path of another hierarchy, in version 2 in the
 * group of its virtual CPUs, or with `whole` in the sandbox' own. undefined when the host has no such controller.
 */
export function cpusetPlan(mountinfo: string, directory: string, version: 1 | 2, whole: boolean): CpusetPlan | undefined {
  if (version === 2) return version2Plan(directory, whole);
  const mounts = cgroupMounts(mountinfo);
  const own = mounts.find(({ point, options }) => options.includes('cpu') && directory.startsWith(`${point}/`));
  const sets = mounts.find(({ type, options }) => type === 'cgroup' && options.includes('cpuset'));
  if (!own || !sets) return undefined;
  const parts = directory.slice(own.point.length).split('/').filter(Boolean);
  const directories = parts.map((_, index) => `${sets.point}/${parts.slice(0, index + 1).join('/')}`);
  return { version, directories, controls: [], members: 'tasks' };
}

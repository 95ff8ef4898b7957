/** The host's cgroups for the processes of a sandbox (cgroups(7)). Pure. */

/** Controllers for statistics that engines read, and for the confinement of QEMU. The guest enforces the limits of containers. */
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'devices'];

export interface CgroupPlan {
  readonly version: 1 | 2;
  /** Mount point of version 2, or of each hierarchy of version 1. */
  readonly roots: readonly string[];
  /** Directories to create, one below each root. */
  readonly directories: readonly string[];
}

/** Removes `..`, so that the path stays in the hierarchy. */
const namesIn = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');

/** `a-b.slice` is inside `a.slice`, and `-.slice` is the root (systemd.slice(5)). */
function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const parts = slice.replace(/\.slice$/, '').split('-');
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/');
}

/** 1.x's prefix of the last name: the engine may create its own path itself. */
const PREFIX = 'kata_';

export interface NamedCgroup {
  /** Name of the cgroup if the engine names none. */
  readonly id: string;
  /** The engine reads the cgroup of exactly the name that it gave. */
  readonly isExact: boolean;
}

/** The cgroup of a container: the engine's path, as a path or in systemd's form `slice:prefix:name`. */
export function cgroupPath(cgroupsPath: string | undefined, { id, isExact }: NamedCgroup): string {
  const before = isExact ? '' : PREFIX;
  const [slice = '', prefix, name] = (cgroupsPath ?? '').split(':');
  if (prefix !== undefined && name !== undefined)
    return `/${[...namesIn(slicePath(slice || 'system.slice')), `${before}${prefix}-${name}.scope`.replaceAll('/', '-')].join('/')}`;
  const given = cgroupsPath ?? '';
  const parts = namesIn(given);
  const last = parts.pop() ?? id;
  return `/${[...(given.startsWith('/') ? [] : ['vc']), ...parts, `${before}${last}`].join('/')}`;
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

/** Mount points of the host's hierarchies. */
export const cgroupRoots = (mountinfo: string): string[] => [...new Set(cgroupMounts(mountinfo).map(({ point }) => point))];

/** Whether version 1 has a controller. */
export const hasController = (mountinfo: string, name: string): boolean =>
  cgroupMounts(mountinfo).some(({ type, options }) => type === 'cgroup' && options.includes(name));

/** undefined on a host without cgroups. An empty version 2 hierarchy beside version 1 is ignored. */
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
  /** From the outermost cgroup to the one with the CPU set. */
  readonly directories: readonly string[];
  /** Files that enable the controller for child cgroups (version 2). */
  readonly controls: readonly string[];
  /** File to which the vCPU threads are written; undefined when they are in the cgroup already. */
  readonly members?: 'tasks' | 'cgroup.threads';
}

/** In version 2 the vCPU threads have a threaded cgroup; with `whole` the sandbox's own cgroup has the CPU set. */
function version2Plan(directory: string, whole: boolean): CpusetPlan {
  if (whole) return { version: 2, directories: [directory], controls: [] };
  const controls = [`${directory}/cgroup.subtree_control`];
  return { version: 2, directories: [`${directory}/vcpus`], controls, members: 'cgroup.threads' };
}

/**
 * The cgroup with the CPU set of the sandbox with cgroup `directory`: in version 1 the same path of another hierarchy, in version 2 the
 * cgroup of its vCPUs, or with `whole` the sandbox's own. undefined when the host has no such controller.
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

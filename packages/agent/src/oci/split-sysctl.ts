/** Which sysctls belong to a container's own namespaces, and which to the guest. Pure. */

/** Those that an IPC or UTS namespace has a copy of (namespaces(7)); crun sets them inside. */
const namespaced = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.|kernel\.(hostname|domainname)$)/;

export interface SplitSysctl {
  /** Of the guest's kernel and its network namespace, which are this sandbox's alone: the agent sets them. */
  readonly guest: readonly (readonly [name: string, value: string])[];
  readonly container: Readonly<Record<string, string>>;
}

export function splitSysctl(sysctl: Readonly<Record<string, string>>): SplitSysctl {
  const entries = Object.entries(sysctl);
  const isNamespaced = ([name]: [string, string]): boolean => namespaced.test(name.replaceAll('/', '.'));
  return { guest: entries.filter((entry) => !isNamespaced(entry)), container: Object.fromEntries(entries.filter(isNamespaced)) };
}

/**
 * The file of a sysctl. As in sysctl(8), whichever of '.' and '/' comes first separates, and the other belongs to the names:
 * `net/ipv4/conf/eth0.1/forwarding`. Undefined when it leads out of /proc/sys.
 */
export function sysctlPath(name: string, root = '/proc/sys'): string | undefined {
  const separator = /[./]/.exec(name)?.[0];
  const parts = separator === undefined ? [name] : name.split(separator).map((part) => part.replaceAll('/', '.'));
  return parts.some((part) => part === '' || part === '.' || part === '..') ? undefined : [root, ...parts].join('/');
}

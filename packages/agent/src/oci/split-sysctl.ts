/** Splits sysctls into those of the container's own namespaces and those of the guest. Pure. */

/** Sysctls of IPC and UTS namespaces (namespaces(7)); crun sets them in the container. */
const namespaced = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.|kernel\.(hostname|domainname)$)/;

export interface SplitSysctl {
  /** Sysctls of the guest's kernel and network namespace; the agent sets them, because no other sandbox uses them. */
  readonly guest: readonly (readonly [name: string, value: string])[];
  readonly container: Readonly<Record<string, string>>;
}

export function splitSysctl(sysctl: Readonly<Record<string, string>>): SplitSysctl {
  const entries = Object.entries(sysctl);
  const isNamespaced = ([name]: [string, string]): boolean => namespaced.test(name.replaceAll('/', '.'));
  return { guest: entries.filter((entry) => !isNamespaced(entry)), container: Object.fromEntries(entries.filter(isNamespaced)) };
}

/**
 * The file of a sysctl. As in sysctl(8), the first '.' or '/' is the separator, and the other character is part of the names:
 * `net/ipv4/conf/eth0.1/forwarding`. Undefined for a path outside of /proc/sys.
 */
export function sysctlPath(name: string, root = '/proc/sys'): string | undefined {
  const separator = /[./]/.exec(name)?.[0];
  const parts = separator === undefined ? [name] : name.split(separator).map((part) => part.replaceAll('/', '.'));
  return parts.some((part) => part === '' || part === '.' || part === '..') ? undefined : [root, ...parts].join('/');
}

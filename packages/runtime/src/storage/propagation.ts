/** Mount propagation of a volume (mount_namespaces(7), config.md of the OCI specification). */

const FROM_HOST = ['slave', 'rslave', 'shared', 'rshared'];
const NONE = ['private', 'rprivate', 'unbindable', 'runbindable'];

/**
 * Whether later mounts of the host appear in the volume. The last propagation option is decisive. `shared` is `slave`: mounts of the guest
 * cannot propagate to the host.
 */
export function getsLaterMounts(options: readonly string[]): boolean {
  const last = options.findLast((option) => FROM_HOST.includes(option) || NONE.includes(option));
  return last !== undefined && FROM_HOST.includes(last);
}

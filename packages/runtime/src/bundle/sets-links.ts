import type { Spec } from '@kata-containers/common/oci/spec';

/** Sysctls of a network namespace that no link has. Docker sets them for each container. */
const WITHOUT_LINKS = ['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ping_group_range'];

/** Whether the specification has sysctls that may change links, or be changed when links are configured. */
export const setsLinks = ({ linux }: Pick<Spec, 'linux'>): boolean =>
  Object.keys(linux?.sysctl ?? {})
    .map((name) => name.replaceAll('/', '.'))
    .some((name) => name.startsWith('net.') && !WITHOUT_LINKS.includes(name));

/** Options of engines that have no effect on a container in a VM, and that a user may rely on. Pure. */
import type { Resources, Spec } from '@kata-containers/common/oci/spec';

/** Profiles that engines set by default. */
const DEFAULT_PROFILES = /^(docker-default|cri-containerd\.apparmor\.d|crio-default|containers-default-.*|nerdctl-default|unconfined)?$/;
/** Namespaces of the host that a VM cannot share, and docker's option for them. */
const HOST_NAMESPACES = ['pid', 'ipc', 'uts'] as const;

const JOINABLE: readonly string[] = ['pid', 'ipc'];

/** Of linux.resources. */
const LIMITS: readonly (readonly [name: string, text: string])[] = [
  ['network', 'a class or priority of network packets (linux.resources.network)'],
  ['rdma', 'a limit of RDMA (linux.resources.rdma)'],
  ['unified', 'a file of cgroup version 2 (linux.resources.unified)'],
];

function ignoredLimits(resources: Resources = {}): string[] {
  const fields = resources as Readonly<Record<string, unknown>>;
  return [
    ...LIMITS.filter(([name]) => fields[name] !== undefined).map(([, text]) => `${text} has no effect in a VM`),
    ...(Number(resources.memory?.kernel ?? 0) > 0 ? ["a limit of kernel memory has no effect: the guest's kernel has none"] : []),
  ];
}

/** One sentence for each. `isFirst`: whether the container gets a VM of its own. */
export function ignoredOptions({ linux, process: first }: Spec, isFirst = true): string[] {
  const namespaces = (linux?.namespaces ?? []).map(({ type }) => type);
  const shared = namespaces.length === 0 ? [] : HOST_NAMESPACES.filter((type) => !namespaces.includes(type));
  // Containers that join a VM name the namespaces of its first one, which they share in the guest.
  const joined = (linux?.namespaces ?? []).filter(({ type, path = '' }) => isFirst && JOINABLE.includes(type) && path !== '');
  const label = first?.selinuxLabel ?? '';
  const profile = first?.apparmorProfile ?? '';
  return [
    ...shared.map((type) => `--${type}=host has no effect: a VM does not share the host's ${type.toUpperCase()} namespace`),
    ...joined.map(({ type }) => `--${type}=container:ID has no effect: two VMs do not share a namespace`),
    ...(namespaces.includes('user') ? ['the user namespace has no effect: the container has user ids of its VM'] : []),
    ...(label === '' ? [] : [`the SELinux label ${label} has no effect: the guest's kernel has no SELinux`]),
    ...ignoredLimits(linux?.resources),
    ...(DEFAULT_PROFILES.test(profile) ? [] : [`the AppArmor profile ${profile} has no effect: the guest's kernel has no AppArmor`]),
  ];
}

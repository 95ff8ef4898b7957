/** Options of engines that have no effect on a container in a VM, and that a user may rely on. Pure. */
import type { Spec } from '@kata-containers/common/oci/spec';

/** Profiles that engines set where nobody asked for one. */
const DEFAULT_PROFILES = /^(docker-default|cri-containerd\.apparmor\.d|crio-default|containers-default-.*|nerdctl-default|unconfined)?$/;
/** Namespaces of the host that a VM cannot share, and docker's option for them. */
const HOST_NAMESPACES = ['pid', 'ipc', 'uts'] as const;

/** One sentence for each. */
export function ignoredOptions({ linux, process: first }: Spec): string[] {
  const namespaces = (linux?.namespaces ?? []).map(({ type }) => type);
  const shared = namespaces.length === 0 ? [] : HOST_NAMESPACES.filter((type) => !namespaces.includes(type));
  const profile = first?.apparmorProfile ?? '';
  return [
    ...shared.map((type) => `--${type}=host has no effect: a VM does not share the host's ${type.toUpperCase()} namespace`),
    ...(namespaces.includes('user') ? ['the user namespace has no effect: the container has user ids of its VM'] : []),
    ...(DEFAULT_PROFILES.test(profile) ? [] : [`the AppArmor profile ${profile} has no effect: the guest's kernel has no AppArmor`]),
  ];
}

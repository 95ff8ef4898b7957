/** Checks that the host's kernel supports the configured confinement of QEMU, kata-proxy and kata-shim. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { disabling } from '../configuration/confinement-parts.ts';
import type { ConfinementPart } from '../configuration/confinement-parts.ts';
import type { Configuration } from '../configuration/schema.ts';
import { hasController, planCgroup } from '../host-cgroup/cgroup-plan.ts';
import type { Check } from './check-installation.ts';

/** The parts of the host that are checked. */
export interface ConfiningHost {
  exists(path: string): boolean;
  /** Text of /proc/self/status. */
  readonly status: string;
  /** Text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** Controllers of version 2 that the host has: the text of a mount point's cgroup.controllers. */
  controllers(root: string): string;
  /** @throws Error when the kernel loads no program that limits devices */
  loadDeviceProgram(): void;
}

interface Part {
  readonly name: string;
  readonly isWanted: (configuration: Configuration) => boolean;
  /** The missing kernel feature; undefined when the kernel supports the part. */
  readonly lack: (host: ConfiningHost) => string | undefined;
  readonly part: ConfinementPart;
}

const seccomp = ({ status }: ConfiningHost): string | undefined =>
  /^Seccomp:/m.test(status) ? undefined : 'seccomp filters (CONFIG_SECCOMP_FILTER)';

const namespaces = ({ exists }: ConfiningHost): string | undefined => {
  const missing = ['mnt', 'pid', 'ipc', 'uts', 'net'].filter((name) => !exists(`/proc/self/ns/${name}`));
  return missing.length === 0 ? undefined : `namespaces (${missing.join(', ')})`;
};

/** Capabilities by their numbers: CAP_SETPCAP, CAP_SETGID, CAP_SETUID, CAP_SYS_CHROOT. */
const NEEDED = [6n, 7n, 8n, 18n];

function privileges({ status }: ConfiningHost): string | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(status)?.[1] ?? '0'}`);
  if (!/^CapAmb:/m.test(status)) return 'ambient capabilities (Linux 4.3)';
  return NEEDED.every((number) => (effective >> number) & 1n) ? undefined : 'the capabilities SETPCAP, SETGID, SETUID and SYS_CHROOT';
}

/** Any path: only the version counts. */
const ANY = '/';

function devices({ mountinfo, loadDeviceProgram }: ConfiningHost): string | undefined {
  const plan = planCgroup(mountinfo, ANY);
  if (!plan) return 'cgroups';
  if (plan.version === 1) return hasController(mountinfo, 'devices') ? undefined : 'the devices cgroup (CONFIG_CGROUP_DEVICE)';
  try {
    loadDeviceProgram();
    return undefined;
  } catch (error) {
    return `BPF programs for devices (CONFIG_CGROUP_BPF; ${errorMessage(error)})`;
  }
}

function pids({ mountinfo, controllers }: ConfiningHost): string | undefined {
  const plan = planCgroup(mountinfo, ANY);
  if (!plan) return 'cgroups';
  const has =
    plan.version === 1 ? hasController(mountinfo, 'pids') : plan.roots.some((root) => controllers(root).split(/\s/).includes('pids'));
  return has ? undefined : 'the pids cgroup (CONFIG_CGROUP_PIDS)';
}

const parts: readonly Part[] = [
  {
    name: 'QEMU: seccomp',
    isWanted: ({ hypervisor }) => hypervisor.seccompsandbox !== '',
    lack: seccomp,
    part: 'seccomp',
  },
  {
    name: 'QEMU: own root',
    isWanted: ({ hypervisor }) => hypervisor.qemu_own_root,
    lack: namespaces,
    part: 'ownRoot',
  },
  {
    name: 'QEMU: capabilities',
    isWanted: ({ hypervisor }) => !hypervisor.qemu_capabilities.includes('ALL'),
    lack: privileges,
    part: 'capabilities',
  },
  {
    name: 'QEMU: devices',
    isWanted: ({ hypervisor }) => hypervisor.qemu_device_cgroup,
    lack: devices,
    part: 'devices',
  },
  {
    name: 'QEMU: threads',
    isWanted: ({ hypervisor }) => hypervisor.qemu_pids_cgroup,
    lack: pids,
    part: 'threads',
  },
  {
    name: 'QEMU: not root with virtio-fs',
    isWanted: ({ hypervisor }) => hypervisor.qemu_unprivileged,
    lack: privileges,
    part: 'user',
  },
  {
    name: 'virtiofsd: namespaces',
    isWanted: ({ hypervisor }) => hypervisor.virtio_fs_sandbox === 'namespace',
    lack: namespaces,
    part: 'virtiofsd',
  },
  ...(['proxy', 'shim'] as const).map((name) => ({
    name: `kata-${name}: confinement`,
    isWanted: (configuration: Configuration) => configuration[name].confine,
    lack: (host: ConfiningHost) => seccomp(host) ?? privileges(host),
    part: name,
  })),
];

/**
 * One check per part: a warning for a disabled part, and for a part that the kernel does not support, because containers do not start then.
 */
export function checkConfinement(configuration: Configuration, host: ConfiningHost): Check[] {
  return parts.map(({ name, isWanted, lack, part }) => {
    if (!isWanted(configuration)) return { name, status: 'warning', detail: 'is disabled in the configuration' };
    const missing = lack(host);
    if (missing === undefined) return { name, status: 'ok', detail: 'on' };
    return {
      name,
      status: 'warning',
      detail: `this host lacks ${missing}: no container starts`,
      remedy: disabling(part),
    };
  });
}

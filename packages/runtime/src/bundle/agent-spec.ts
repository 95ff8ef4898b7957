/**
 * The specification for the guest, in the message's form. Fields that only the host can apply are removed: hooks, network limits, the
 * host's namespaces and forms of cgroup paths.
 */
import { normalize } from 'node:path/posix';
import { Process as ProcessMessage, Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import { guestDeviceRules } from './device-rules.ts';
import { seccompMessage } from './seccomp-message.ts';
import type { Device, Integer, Linux, Mount, Process, Resources, Spec } from '@kata-containers/common/oci/spec';

const big = (value: Integer | undefined): bigint => BigInt(value ?? 0);

/**
 * `slice:prefix:name`, the systemd form, means `/prefix/name` to the guest, which has no systemd. `..` (docker's `--cgroup-parent
 * ../x`) ends at the top, as in runc.
 */
function guestCgroupsPath(path = ''): string {
  const parts = path.split(':');
  if (path === '') return '';
  return normalize(parts.length === 3 ? `/${parts[1]}/${parts[2]}` : `/${path}`);
}

/** Namespaces that crun creates: network and cgroup are the VM's own, and the request has the PID namespace. */
function guestNamespaces(linux: Linux): { Type: string; Path: string }[] {
  const kept = (linux.namespaces ?? []).filter(({ type }) => !['network', 'cgroup', 'pid', 'user', 'time'].includes(type));
  return kept.map(({ type }) => ({ Type: type, Path: '' }));
}

/** A path of a namespace on the host means the pod's namespace, which the containers share in the guest. */
export const joinsNamespace = ({ linux }: Spec, kind: 'pid' | 'ipc'): boolean =>
  (linux?.namespaces ?? []).some(({ type, path }) => type === kind && path !== undefined && path !== '');

/**
 * Whether a container of a pod shares the pod's PID namespace: by its path, or without a PID namespace. For `hostPID`, containerd passes the
 * path, and CRI-O passes no namespace.
 */
export const sharesPids = (spec: Spec): boolean =>
  joinsNamespace(spec, 'pid') || !(spec.linux?.namespaces ?? []).some(({ type }) => type === 'pid');

/** Limits of CPU, memory and processes. CPU sets name host CPUs and mean nothing in the guest. */
export function guestResources({ memory, cpu, pids }: Resources): object {
  return {
    Memory: memory && {
      Limit: big(memory.limit),
      Reservation: big(memory.reservation),
      Swap: big(memory.swap),
      Kernel: big(memory.kernel),
      KernelTCP: big(memory.kernelTCP),
      Swappiness: big(memory.swappiness),
      DisableOOMKiller: memory.disableOOMKiller ?? false,
    },
    CPU: cpu && {
      Shares: big(cpu.shares),
      Quota: big(cpu.quota),
      Period: big(cpu.period),
      RealtimeRuntime: big(cpu.realtimeRuntime),
      RealtimePeriod: big(cpu.realtimePeriod),
    },
    Pids: pids && { Limit: big(pids.limit) },
  };
}

/** Converts a process to the message. `nullStdin`: stdin is /dev/null, which is not the same as a closed pipe. */
export function agentProcess(source: Process, nullStdin = false): ProcessMessage {
  const { user = {}, capabilities, rlimits = [], consoleSize } = source;
  return ProcessMessage.fromPartial({
    Terminal: source.terminal ?? false,
    NullStdin: nullStdin,
    ...(consoleSize && { ConsoleSize: { Height: consoleSize.height, Width: consoleSize.width } }),
    User: {
      UID: user.uid ?? 0,
      GID: user.gid ?? 0,
      AdditionalGids: user.additionalGids ?? [],
      Username: user.username ?? '',
      Umask: user.umask === undefined ? [] : [user.umask],
    },
    Args: source.args ?? [],
    Env: source.env ?? [],
    Cwd: source.cwd,
    ...(capabilities && {
      Capabilities: {
        Bounding: capabilities.bounding ?? [],
        Effective: capabilities.effective ?? [],
        Inheritable: capabilities.inheritable ?? [],
        Permitted: capabilities.permitted ?? [],
        Ambient: capabilities.ambient ?? [],
      },
    }),
    Rlimits: rlimits.map(({ type, hard, soft }) => ({ Type: type, Hard: big(hard), Soft: big(soft) })),
    NoNewPrivileges: source.noNewPrivileges ?? false,
    OOMScoreAdj: big(source.oomScoreAdj),
  });
}

function agentLinux(linux: Linux, devices: readonly Device[], absent: readonly Device[]): object {
  const resources = linux.resources ?? {};
  return {
    Sysctl: linux.sysctl ?? {},
    Resources: { ...guestResources(resources), Devices: guestDeviceRules(resources.devices ?? [], absent) },
    CgroupsPath: guestCgroupsPath(linux.cgroupsPath),
    Namespaces: guestNamespaces(linux),
    Devices: devices.map((device) => ({
      Path: device.path,
      Type: device.type,
      Major: big(device.major),
      Minor: big(device.minor),
      FileMode: device.fileMode ?? 0,
      UID: device.uid ?? 0,
      GID: device.gid ?? 0,
    })),
    RootfsPropagation: linux.rootfsPropagation ?? '',
    MaskedPaths: linux.maskedPaths ?? [],
    ReadonlyPaths: linux.readonlyPaths ?? [],
  };
}

/** The message has no field for the NIS domain name (1.1 of the specification); it is a sysctl of the UTS namespace. */
const withDomainName = ({ linux = {}, domainname = '' }: Spec): Linux =>
  domainname === '' ? linux : { ...linux, sysctl: { ...linux.sysctl, 'kernel.domainname': domainname } };

const withSysctls = (sysctl: Linux['sysctl'], linux: Linux): Linux => ({ ...linux, sysctl: { ...sysctl, ...linux.sysctl } });

export interface GuestPlacement {
  /** Root file system as the guest sees it. */
  readonly rootPath: string;
  /** Mounts with sources as the guest sees them. */
  readonly mounts: readonly Mount[];
  /** The container's devices in the guest; the specification's by default. */
  readonly devices?: readonly Device[];
  /** Of `devices`, those that must not be opened. */
  readonly absentDevices?: readonly Device[];
  /** Whether the guest applies the seccomp profile. */
  readonly seccomp: boolean;
  /** Whether the first process reads /dev/null. */
  readonly nullStdin?: boolean;
  /** Sysctls of the network namespace; those of the specification come later. */
  readonly namespaceSysctls?: Readonly<Record<string, string>>;
}

/** Converts the whole specification to the message. */
export function agentSpec(spec: Spec, guest: GuestPlacement): SpecMessage {
  return SpecMessage.fromPartial({
    Version: spec.ociVersion,
    ...(spec.process && { Process: agentProcess(spec.process, guest.nullStdin) }),
    Root: { Path: guest.rootPath, Readonly: spec.root?.readonly ?? false },
    Hostname: spec.hostname ?? '',
    Mounts: guest.mounts.map(({ destination, source, type, options }) => ({
      destination,
      source: source ?? '',
      type: type ?? '',
      options: options ?? [],
    })),
    Annotations: spec.annotations ?? {},
    Linux: {
      ...agentLinux(
        withSysctls(guest.namespaceSysctls, withDomainName(spec)),
        guest.devices ?? spec.linux?.devices ?? [],
        guest.absentDevices ?? [],
      ),
      ...(guest.seccomp && spec.linux?.seccomp && { Seccomp: seccompMessage(spec.linux.seccomp) }),
    },
  });
}

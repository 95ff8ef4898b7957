/** From the request's message to the config.json that crun reads. Pure. */
import type { Linux, LinuxResources, Process as ProcessMessage, Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import type { Process, Resources, Spec } from '@kata-containers/common/oci/spec';

/** Zero means "not given": the message cannot tell the two apart. */
const given = (value: bigint): bigint | undefined => (value === 0n ? undefined : value);

/** Drops what is undefined, and objects with nothing in them. */
function compact<T extends object>(fields: T): T | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}

export function processConfig(message: ProcessMessage): Process {
  const { User, Capabilities, ConsoleSize } = message;
  return {
    terminal: message.Terminal,
    ...(ConsoleSize && ConsoleSize.Height > 0 && { consoleSize: { height: ConsoleSize.Height, width: ConsoleSize.Width } }),
    user: { uid: User?.UID ?? 0, gid: User?.GID ?? 0, additionalGids: User?.AdditionalGids ?? [] },
    args: message.Args,
    env: message.Env,
    cwd: message.Cwd === '' ? '/' : message.Cwd,
    ...(Capabilities && {
      capabilities: {
        bounding: Capabilities.Bounding,
        effective: Capabilities.Effective,
        inheritable: Capabilities.Inheritable,
        permitted: Capabilities.Permitted,
        ambient: Capabilities.Ambient,
      },
    }),
    rlimits: message.Rlimits.map(({ Type, Hard, Soft }) => ({ type: Type, hard: Hard, soft: Soft })),
    noNewPrivileges: message.NoNewPrivileges,
    oomScoreAdj: Number(message.OOMScoreAdj),
  };
}

function resourcesConfig({ Memory, CPU, Pids, Devices, HugepageLimits }: LinuxResources): Resources {
  const memory =
    Memory &&
    compact({
      limit: given(Memory.Limit),
      reservation: given(Memory.Reservation),
      swap: given(Memory.Swap),
      swappiness: given(Memory.Swappiness),
    });
  const cpu = CPU && compact({ shares: given(CPU.Shares), quota: given(CPU.Quota), period: given(CPU.Period) });
  const devices = Devices.map(({ Allow, Type, Major, Minor, Access }) => ({
    allow: Allow,
    access: Access,
    ...(Type !== '' && Type !== 'a' && { type: Type }),
    ...(Major > 0n && { major: Major }),
    ...(Minor > 0n && { minor: Minor }),
  }));
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(Pids && Pids.Limit > 0n && { pids: { limit: Pids.Limit } }),
    ...(devices.length > 0 && { devices }),
    ...(HugepageLimits.length > 0 && {
      hugepageLimits: HugepageLimits.map(({ Pagesize, Limit }) => ({ pageSize: Pagesize, limit: Limit })),
    }),
  } as Resources;
}

export interface GuestNamespaces {
  readonly ipc: string;
  readonly uts: string;
}

/** The network's sysctls are the guest's own, set by the agent; the others belong to the container's namespaces. */
export function splitSysctl(sysctl: Readonly<Record<string, string>>): { network: [string, string][]; container: Record<string, string> } {
  const entries = Object.entries(sysctl);
  const isNetwork = ([name]: [string, string]): boolean => name.startsWith('net.');
  return { network: entries.filter(isNetwork), container: Object.fromEntries(entries.filter((entry) => !isNetwork(entry))) };
}

function linuxConfig(linux: Linux, namespaces: GuestNamespaces): Spec['linux'] {
  return {
    // The network namespace is the guest's, and so is the cgroup one: the VM is the container's only user.
    namespaces: [{ type: 'ipc', path: namespaces.ipc }, { type: 'uts', path: namespaces.uts }, { type: 'mount' }, { type: 'pid' }],
    sysctl: splitSysctl(linux.Sysctl).container,
    resources: resourcesConfig(linux.Resources ?? ({ Devices: [], HugepageLimits: [] } as unknown as LinuxResources)),
    ...(linux.CgroupsPath !== '' && { cgroupsPath: linux.CgroupsPath }),
    devices: linux.Devices.map((device) => ({
      path: device.Path,
      type: device.Type,
      major: device.Major,
      minor: device.Minor,
      fileMode: device.FileMode,
      uid: device.UID,
      gid: device.GID,
    })),
    ...(linux.RootfsPropagation !== '' && { rootfsPropagation: linux.RootfsPropagation }),
    maskedPaths: linux.MaskedPaths,
    readonlyPaths: linux.ReadonlyPaths,
  };
}

export function specConfig(message: SpecMessage, namespaces: GuestNamespaces): Spec {
  return {
    ociVersion: message.Version === '' ? '1.0.2' : message.Version,
    ...(message.Process && { process: processConfig(message.Process) }),
    root: { path: message.Root?.Path ?? '', readonly: message.Root?.Readonly ?? false },
    ...(message.Hostname !== '' && { hostname: message.Hostname }),
    mounts: message.Mounts.map(({ destination, source, type, options }) => ({
      destination,
      options,
      ...(source !== '' && { source }),
      ...(type !== '' && { type }),
    })),
    annotations: message.Annotations,
    linux: linuxConfig(
      message.Linux ??
        ({ Sysctl: {}, Devices: [], MaskedPaths: [], ReadonlyPaths: [], CgroupsPath: '', RootfsPropagation: '' } as unknown as Linux),
      namespaces,
    ),
  } as Spec;
}

/** JSON with 64-bit numbers as numbers: crun reads them exactly. */
export function toJson(value: object): string {
  const exact = (text: string): string => text.replaceAll(/"\u0000(-?\d+)"/g, '$1');
  return exact(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `\0${item}` : item)).replaceAll('\\u0000', '\0'));
}

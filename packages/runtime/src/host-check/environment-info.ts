/** The output of `kata-env`, in 1.x's structure and order (kata-env.go, format 1.0.24), without netmon, which does not exist here. Pure. */
import type { Configuration } from '../configuration/schema.ts';
import { configuredParameters } from '../hypervisor/qemu/kernel-parameters.ts';
import { parseVersion } from './parse-version.ts';

const FORMAT_VERSION = '1.0.24';
export const UNKNOWN = '<<unknown>>';

export interface HostFacts {
  readonly kernel: string;
  readonly architecture: string;
  readonly distroName: string;
  readonly distroVersion: string;
  readonly cpuVendor: string;
  readonly cpuModel: string;
  readonly isCapable: boolean;
  readonly hasVsock: boolean;
}

export interface EnvironmentFacts {
  readonly configuration: Configuration;
  readonly configurationPath: string;
  /** The other files that were read, in order. */
  readonly dropIns: readonly string[];
  readonly program: string;
  readonly version: string;
  readonly commit: string;
  readonly ociVersion: string;
  /** First line of `--version` of each program; undefined when it cannot be run. */
  readonly hypervisorVersion: string | undefined;
  readonly proxyVersion: string | undefined;
  readonly shimVersion: string | undefined;
  /** Version of the agent in the image, which is the version of the image. */
  readonly agentVersion: string | undefined;
  /** The accelerator, and the reason for it. */
  readonly accelerator: string;
  readonly host: HostFacts;
}

function versionInfo(text: string | undefined, commit = ''): object {
  const version = parseVersion(text ?? '');
  if (!version) return { Semver: UNKNOWN, Major: 0, Minor: 0, Patch: 0, Commit: UNKNOWN };
  const { semver, major, minor, patch } = version;
  return { Semver: semver, Major: major, Minor: minor, Patch: patch, Commit: commit };
}

function runtimeInfo({ configuration: { runtime }, ...facts }: EnvironmentFacts): object {
  return {
    Version: { Version: versionInfo(facts.version, facts.commit), OCI: facts.ociVersion },
    Config: { Path: facts.configurationPath, DropIns: facts.dropIns },
    Debug: runtime.enable_debug,
    Trace: runtime.enable_tracing,
    DisableGuestSeccomp: runtime.disable_guest_seccomp,
    DisableNewNetNs: false,
    SandboxCgroupOnly: false,
    Experimental: null,
    Path: facts.program,
  };
}

function hypervisorInfo({ configuration: { hypervisor }, hypervisorVersion, accelerator }: EnvironmentFacts): object {
  return {
    MachineType: hypervisor.machine_type,
    Version: hypervisorVersion ?? UNKNOWN,
    Path: hypervisor.path,
    Accelerator: accelerator,
    BlockDeviceDriver: hypervisor.block_device_driver,
    EntropySource: hypervisor.entropy_source,
    SharedFS: hypervisor.shared_fs,
    VirtioFSDaemon: hypervisor.virtio_fs_daemon,
    Msize9p: hypervisor.msize_9p,
    MemorySlots: hypervisor.memory_slots,
    PCIeRootPort: 0,
    HotplugVFIOOnRootBus: false,
    Debug: hypervisor.enable_debug,
    UseVSock: false,
    SeccompSandbox: hypervisor.seccompsandbox,
    OwnRoot: hypervisor.qemu_own_root,
    Capabilities: hypervisor.qemu_capabilities,
    Unprivileged: hypervisor.qemu_unprivileged,
    DeviceCgroup: hypervisor.qemu_device_cgroup,
    PidsCgroup: hypervisor.qemu_pids_cgroup,
    VirtioFSSandbox: hypervisor.virtio_fs_sandbox,
  };
}

function agentInfo({ configuration: { agent }, agentVersion }: EnvironmentFacts): object {
  return {
    Type: 'kata',
    Version: versionInfo(agentVersion),
    Debug: agent.enable_debug,
    Trace: agent.enable_tracing,
    TraceMode: '',
    TraceType: '',
  };
}

function hostInfo({ host }: EnvironmentFacts): object {
  return {
    Kernel: host.kernel,
    Architecture: host.architecture,
    Distro: { Name: host.distroName, Version: host.distroVersion },
    CPU: { Vendor: host.cpuVendor, Model: host.cpuModel },
    VMContainerCapable: host.isCapable,
    SupportVSocks: host.hasVsock,
  };
}

export function environmentInfo(facts: EnvironmentFacts): Record<string, object> {
  const { hypervisor, proxy, shim, agent } = facts.configuration;
  const parameters = configuredParameters({
    hasImage: hypervisor.image !== '',
    agentDebug: agent.enable_debug,
    debugShell: agent.debug_console_enabled,
    kernelParams: hypervisor.kernel_params,
  });
  return {
    Meta: { Version: FORMAT_VERSION },
    Runtime: runtimeInfo(facts),
    Hypervisor: hypervisorInfo(facts),
    Image: { Path: hypervisor.image, Version: versionInfo(facts.agentVersion) },
    Kernel: { Path: hypervisor.kernel, Parameters: parameters.join(' ') },
    Initrd: { Path: hypervisor.initrd },
    Proxy: {
      Type: 'kataProxy',
      Version: versionInfo(facts.proxyVersion),
      Path: proxy.path,
      Debug: proxy.enable_debug,
      Confined: proxy.confine,
    },
    Shim: { Type: 'kataShim', Version: versionInfo(facts.shimVersion), Path: shim.path, Debug: shim.enable_debug, Confined: shim.confine },
    Agent: agentInfo(facts),
    Host: hostInfo(facts),
  };
}

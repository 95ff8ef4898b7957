/** Creates a sandbox: network, share, VM and proxy, and CreateSandbox in the guest. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { containerRole } from '../bundle/container-role.ts';
import { createSandboxRequest, shareOf } from '../agent/sandbox-requests.ts';
import { planVm } from '../vm/plan-vm.ts';
import { savedLink } from '../network/macvtap-plan.ts';
import { shareFacts } from '../storage/share.ts';
import { shmBytes } from '../storage/share-plan.ts';
import { detectAccelerator } from './detect-accelerator.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import { limitDevicesOf, limitThreadsOf } from '../vm/container-cgroup.ts';
import type { QemuNetwork, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import { configureGuestNetwork } from './configure-guest-network.ts';
import type { Context } from '../context/context.ts';
import { diskConfig } from './disk-place-plan.ts';
import { dnsLines } from './dns-lines.ts';
import { networkAndVm } from './network-and-vm.ts';
import type { SandboxRequest } from './sandbox-request.ts';
import { sandboxPaths } from '../context/paths.ts';
import { PERSIST_VERSION } from '../state/state.ts';
import type { Endpoint, SandboxState } from '../state/state.ts';
import { saveSandbox } from '../state/state-store.ts';
import { processesOf, whileRunning } from './while-running.ts';

export interface CreatedSandbox {
  readonly state: SandboxState;
  readonly agent: AgentConnection;
  /** Resolves when the guest's network is configured: its container can be created meanwhile. */
  readonly network: Promise<void>;
}

async function beginSandbox(agent: AgentConnection, request: SandboxRequest, context: Context): Promise<void> {
  const { spec } = request.bundle;
  const facts = {
    id: request.sandboxId,
    hostname: spec.hostname ?? '',
    dns: dnsLines(spec),
    shmBytes: shmBytes(spec.mounts ?? [], shareFacts),
    share: shareOf(context.configuration.hypervisor),
    guestHookPath: context.configuration.hypervisor.guest_hook_path,
    kernelModules: context.configuration.agent.kernel_modules,
  };
  await agent.call('createSandbox', createSandboxRequest(facts));
}

/** The endpoints of the VM that runs: a VM of the cache has taps, although the plan may have macvtaps. */
const endpointsOf = ({ facts, networks }: SandboxNetwork, { plan }: RunningVm): Endpoint[] =>
  facts.links.map((link, index) => ({
    Name: link.name,
    HardAddr: link.mac,
    Tap: networks[index]?.tap ?? '',
    NetDev: `network-${index}`,
    Slot: 0,
    ...(plan.networks[index]?.macvtap && { Saved: savedLink(link) }),
  }));

function sandboxState(context: Context, { id }: SandboxRequest, vm: RunningVm, network: SandboxNetwork): SandboxState {
  const { plan, vm: qemu, virtiofsd, proxy, url } = vm;
  return {
    PersistVersion: PERSIST_VERSION,
    SandboxContainer: id,
    ConfigPath: context.configurationPath,
    Config: {
      SandboxCgroupOnly: context.configuration.runtime.sandbox_cgroup_only,
      HypervisorConfig: diskConfig(context.configuration.hypervisor),
    },
    HypervisorState: {
      Process: qemu,
      UUID: plan.uuid,
      Accelerator: plan.accelerator,
      ...(virtiofsd && { Virtiofsd: virtiofsd }),
      ...(plan.memoryBackend && { Memory: plan.memoryBackend }),
    },
    AgentState: { Proxy: proxy, URL: url },
    Network: {
      NetNsPath: network.path,
      NetNsCreated: network.created,
      ...(network.hasResolver && { HasResolver: true }),
      Endpoints: endpointsOf(network, vm),
      GuestNetwork: network.facts,
    },
  };
}

/** Limits QEMU before a process of the container runs in the guest. @throws KataError when the host does not support a limit */
async function confineInCgroups(context: Context, request: SandboxRequest, { vm: { pid }, plan }: RunningVm): Promise<void> {
  const { qemu_pids_cgroup: hasThreadLimit, qemu_device_cgroup: hasDeviceLimit } = context.configuration.hypervisor;
  if (hasThreadLimit) await limitThreadsOf(request, pid);
  if (hasDeviceLimit) await limitDevicesOf(context, request, { pid, is9p: !plan.virtioFs });
}

/** Creates everything up to CreateSandbox. Changes on the host are in the journal, also after an error. @throws KataError */
export async function createSandbox(context: Context, request: SandboxRequest): Promise<CreatedSandbox> {
  const { sandboxId } = request;
  const files = sandboxPaths(sandboxId);
  const accelerator = await detectAccelerator(context);
  const { hypervisor, agent: agentConfiguration } = context.configuration;
  const planFor = (networks: readonly QemuNetwork[]): QemuPlan =>
    planVm(hypervisor, {
      sandboxId,
      accelerator,
      networks,
      sharedDirectory: files.shared,
      virtioFsSocket: files.virtioFsSocket,
      paths: files,
      agentDebug: agentConfiguration.enable_debug,
      debugShell: agentConfiguration.debug_console_enabled,
    });
  const seccomp = context.configuration.runtime.disable_guest_seccomp ? undefined : request.bundle.spec.linux?.seccomp;
  const forwardsPorts = context.configuration.proxy.port_forward && containerRole(request.bundle.spec).kind === 'sandbox';
  const { network, vm } = await networkAndVm(context, request, { files, planFor, seccomp, forwardsPorts });
  try {
    const state = sandboxState(context, request, vm, network);
    const limited = confineInCgroups(context, request, vm); // its end is awaited also after an error: the undo removes the cgroups
    const configured = context.trace.step('guest network', () => configureGuestNetwork(vm.agent, network.facts));
    for (const promise of [limited, configured]) promise.catch(() => {}); // reported by the promises
    const use = { agent: vm.agent, kernel: context.kernel };
    await whileRunning(processesOf(state), use, () => beginSandbox(vm.agent, request, context)).finally(() => limited);
    saveSandbox(sandboxId, state);
    return { state, agent: vm.agent, network: configured };
  } catch (error) {
    vm.agent.close();
    throw error;
  }
}

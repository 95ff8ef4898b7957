/** Creates a sandbox: network, share, VM and proxy, and CreateSandbox in the guest. */
import { containerRole } from '../bundle/container-role.ts';
import { planVm } from '../vm/plan-vm.ts';
import { savedLink } from '../network/macvtap-plan.ts';
import { detectAccelerator } from './detect-accelerator.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import type { QemuNetwork, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import { beginGuest, vmState } from './begin-guest.ts';
import { configureGuestNetwork } from './configure-guest-network.ts';
import type { Context } from '../context/context.ts';
import { diskConfig } from './disk-place-plan.ts';
import { EarlyContainer } from './early-container.ts';
import { networkAndVm } from './network-and-vm.ts';
import type { SandboxRequest } from './sandbox-request.ts';
import { sandboxPaths } from '../context/paths.ts';
import { PERSIST_VERSION } from '../state/state.ts';
import type { Endpoint, SandboxState } from '../state/state.ts';
import { saveSandbox } from '../state/state-store.ts';
import { takesSeccomp } from './takes-seccomp.ts';
import type { TargetSandbox } from './target-sandbox.ts';
import { processesOf, whileRunning } from './while-running.ts';

export type CreatedSandbox = Omit<TargetSandbox, 'sandboxId' | 'journal'>;

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
  return {
    PersistVersion: PERSIST_VERSION,
    SandboxContainer: id,
    ConfigPath: context.configurationPath,
    Config: {
      SandboxCgroupOnly: context.configuration.runtime.sandbox_cgroup_only,
      HypervisorConfig: diskConfig(context.configuration.hypervisor),
    },
    ...vmState(vm),
    Network: {
      NetNsPath: network.path,
      NetNsCreated: network.created,
      ...(network.hasResolver && { HasResolver: true }),
      Endpoints: endpointsOf(network, vm),
      GuestNetwork: network.facts,
    },
  };
}

/**
 * Creates everything up to CreateSandbox, and the container if it can be created early. Changes on the host are in the journal, also after an
 * error. @throws KataError
 */
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
  const early = new EarlyContainer(context, request);
  const needs = { files, planFor, seccomp, forwardsPorts, work: (running: RunningVm) => early.create(running) };
  const { network, vm } = await networkAndVm(context, request, needs);
  const { agent } = vm;
  const container = early.createdBy(vm);
  try {
    const state = sandboxState(context, request, vm, network);
    const configured = context.trace.step('guest network', () => configureGuestNetwork(agent, network.facts));
    configured.catch(() => {}); // reported by the promise
    const answer = container ? undefined : takesSeccomp(context, request.bundle, agent);
    answer?.catch(() => {});
    if (!container) await whileRunning(processesOf(state), { agent, kernel: context.kernel }, () => beginGuest(context, request, vm));
    saveSandbox(sandboxId, state);
    return { sandbox: state, agent, network: configured, ...(answer && { takesSeccomp: answer }), ...(container && { container }) };
  } catch (error) {
    agent.close();
    await container?.catch(() => {}); // the journal must be complete before it is replayed
    throw error;
  }
}

/** CreateSandbox, and QEMU's limits, which must exist before a process of a container runs in the guest. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { createSandboxRequest, shareOf } from '../agent/sandbox-requests.ts';
import type { Context } from '../context/context.ts';
import { shareFacts } from '../storage/share.ts';
import { shmBytes } from '../storage/share-plan.ts';
import type { SandboxState } from '../state/state.ts';
import { limitDevicesOf, limitThreadsOf } from '../vm/container-cgroup.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import { dnsLines } from './dns-lines.ts';
import type { SandboxRequest } from './sandbox-request.ts';

/** The part of a sandbox's state that is known as soon as its VM runs. */
export const vmState = ({ plan, vm, virtiofsd, proxy, url }: RunningVm): Pick<SandboxState, 'HypervisorState' | 'AgentState'> => ({
  HypervisorState: {
    Process: vm,
    UUID: plan.uuid,
    Accelerator: plan.accelerator,
    ...(virtiofsd && { Virtiofsd: virtiofsd }),
    ...(plan.memoryBackend && { Memory: plan.memoryBackend }),
  },
  AgentState: { Proxy: proxy, URL: url },
});

async function callCreateSandbox(agent: AgentConnection, request: SandboxRequest, context: Context): Promise<void> {
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

/** @throws KataError when the host does not support a limit */
async function confineInCgroups(context: Context, request: SandboxRequest, { vm: { pid }, plan }: RunningVm): Promise<void> {
  const { qemu_pids_cgroup: hasThreadLimit, qemu_device_cgroup: hasDeviceLimit } = context.configuration.hypervisor;
  if (hasThreadLimit) await limitThreadsOf(request, pid);
  if (hasDeviceLimit) await limitDevicesOf(context, request, { pid, is9p: !plan.virtioFs });
}

/** Settles when both have ended: the undo of a create removes the cgroups. @throws KataError, AgentError */
export async function beginGuest(context: Context, request: SandboxRequest, vm: RunningVm): Promise<void> {
  const limited = confineInCgroups(context, request, vm);
  limited.catch(() => {}); // reported at the end
  await callCreateSandbox(vm.agent, request, context).finally(() => limited);
}

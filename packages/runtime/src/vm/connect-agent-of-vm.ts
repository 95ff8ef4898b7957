/** Connects to the agent of a VM, with timeouts for the VM's accelerator. */
import type { AgentConnection, AgentConnectOptions } from '@kata-containers/common/agent-api/agent-connection';
import { guestTimeout } from '../context/context.ts';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';

/** Milliseconds for a call without its own deadline, with KVM (1.x's value). */
const CALL_TIMEOUT_MS = 60_000;

export interface VmAgent {
  /** `unix:///path` of the proxy's socket. */
  readonly url: string;
  readonly accelerator: Accelerator;
}

/** Loads gRPC only when it is called. @throws AgentError when no agent answers in time */
export async function connectAgentOfVm({ url, accelerator }: VmAgent, options: AgentConnectOptions = {}): Promise<AgentConnection> {
  const { connectAgent } = await import('@kata-containers/common/agent-api/agent-connection');
  return connectAgent(url, { callTimeoutMs: guestTimeout(CALL_TIMEOUT_MS, accelerator), ...options });
}

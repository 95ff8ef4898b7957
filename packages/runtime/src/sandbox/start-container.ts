/** `start`: lets the process that create left waiting go on. */
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import { loadBundle } from '../bundle/load-bundle.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { runHooks } from '../processes/run-hooks.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import { currentState } from './container-status.ts';
import { checkTransition } from './lifecycle.ts';
import { timed } from './timed.ts';
import { loadSandbox, requireContainer, saveContainer } from './state-store.ts';

/** @throws ContainerNotFoundError, StateError, AgentError */
export async function startContainer(context: Context, id: string): Promise<void> {
  const { sandboxId, record } = requireContainer(id);
  checkTransition(currentState(record), 'running');
  const { AgentState, HypervisorState, Network } = loadSandbox(sandboxId);
  const agent = await timed(context.log, 'connect', () => connectAgent(AgentState.URL, {}));
  const deadlineMs = guestTimeout(REQUEST_TIMEOUT_MS, HypervisorState.Accelerator);
  try {
    await timed(context.log, 'StartContainer', () => agent.call('startContainer', { container_id: id }, { deadlineMs }));
  } finally {
    agent.close();
  }
  saveContainer(sandboxId, id, { ...record, State: 'running' });
  const { spec } = loadBundle(record.BundlePath);
  if (!spec.hooks?.poststart?.length) return;
  const state = { ociVersion: spec.ociVersion, id, status: 'running', pid: record.Process.Shim.pid, bundle: record.BundlePath };
  await inNetworkNamespace(Network.NetNsPath, context.kernel, () => runHooks(spec.hooks?.poststart, state));
}

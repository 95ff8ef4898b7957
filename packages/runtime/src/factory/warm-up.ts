/**
 * Has the agent of a template do once what it will do in each clone. Its JavaScript is compiled then, and its programs are in
 * memory: clones share both, and start their first container in less than half of the time.
 */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { spareMac } from './spare-link-plan.ts';
import { warmUpProcess, warmUpRoot, warmUpSpec } from './warm-up-plan.ts';

const CONTAINER = 'warm-up';
const PROCESS = 'warm-up-process';
const SIGKILL = 9;
const STDIO_BYTES = 1 << 20;

/** A process from its start to its end, as a shim sees it. */
async function follow(agent: AgentConnection, exec_id: string): Promise<void> {
  const process = { container_id: CONTAINER, exec_id };
  await agent.call('closeStdin', process);
  const output = (['readStdout', 'readStderr'] as const).map((call) => agent.call(call, { ...process, len: STDIO_BYTES }).catch(() => {}));
  await Promise.all([...output, agent.call('waitProcess', process)]); // at the end of its stream a read is an error
}

async function runContainer(agent: AgentConnection): Promise<void> {
  const storages = [{ driver: 'local', source: 'local', fstype: 'local', mount_point: warmUpRoot, options: ['mode=0755'] }];
  await agent.call('createContainer', { container_id: CONTAINER, exec_id: CONTAINER, storages, OCI: warmUpSpec() });
  await agent.call('startContainer', { container_id: CONTAINER });
  const first = follow(agent, CONTAINER);
  first.catch(() => {}); // told below, unless something else fails before
  await agent.call('execProcess', { container_id: CONTAINER, exec_id: PROCESS, process: warmUpProcess });
  await follow(agent, PROCESS);
  await agent.call('signalProcess', { container_id: CONTAINER, exec_id: CONTAINER, signal: SIGKILL });
  await first;
  await agent.call('removeContainer', { container_id: CONTAINER });
}

/** Leaves the guest as it was: without sandbox, its network devices spare. @throws AgentError */
export async function warmUp(agent: AgentConnection, networkDevices: number): Promise<void> {
  for (let index = 0; index < networkDevices; index++) await agent.call('updateInterface', { interface: { hwAddr: spareMac(index) } });
  await agent.call('createSandbox', { hostname: CONTAINER, sandbox_id: CONTAINER });
  await runContainer(agent);
  await agent.call('destroySandbox', {});
}

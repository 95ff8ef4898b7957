/**
 * Runs a container in the guest of a template. Afterwards the agent has decoded its functions, and programs are in the page cache. Clones
 * share both, and start their first container in less than half of the time.
 */
import { constants } from 'node:os';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { Seccomp } from '@kata-containers/common/oci/spec';
import { shareOf } from '../../agent/sandbox-requests.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import type { Context } from '../../context/context.ts';
import { reseedClone } from './reseed-clone.ts';
import { spareInterface, warmUpAddress, warmUpProcess, warmUpRoot, warmUpRoutes, warmUpSandbox, warmUpSpec } from './warm-up-plan.ts';

const CONTAINER = 'warm-up';
const PROCESS = 'warm-up-process';
const { SIGKILL } = constants.signals;
const STDIO_BYTES = 1 << 20;

/** Makes the calls of a process's shim. The process has no output. */
async function follow(agent: AgentConnection, exec_id: string): Promise<void> {
  const ids = { container_id: CONTAINER, exec_id };
  await agent.call('closeStdin', ids);
  const reads = (['readStdout', 'readStderr'] as const).map((call) => agent.call(call, { ...ids, len: STDIO_BYTES, wants_exit: true }));
  await Promise.allSettled(reads); // at the end of its stream a read is an error
  await agent.call('waitProcess', ids).catch(() => {}); // the process was removed if an end had its exit code
}

/** Leaves a container that has ended. */
async function runContainer(agent: AgentConnection, seccomp: Seccomp | undefined): Promise<void> {
  const storages = [{ driver: 'local', source: 'local', fstype: 'local', mount_point: warmUpRoot, options: ['mode=0755'] }];
  await agent.call('createContainer', { container_id: CONTAINER, exec_id: CONTAINER, storages, OCI: warmUpSpec(seccomp) });
  await agent.call('startContainer', { container_id: CONTAINER });
  const first = follow(agent, CONTAINER);
  first.catch(() => {}); // awaited below, unless another call fails first
  await agent.call('execProcess', { container_id: CONTAINER, exec_id: PROCESS, process: warmUpProcess });
  await follow(agent, PROCESS);
  await agent.call('signalProcess', { container_id: CONTAINER, exec_id: CONTAINER, signal: SIGKILL });
  await first;
}

/** Configures an address on each device, and makes the device spare again. The routes are removed with the addresses. */
async function useNetwork(agent: AgentConnection, devices: number): Promise<void> {
  const numbers = Array.from({ length: devices }, (_, index) => index);
  for (const index of numbers) await agent.call('updateInterface', { interface: spareInterface(index, warmUpAddress(index)) });
  if (devices > 0) await agent.call('updateRoutes', { routes: { Routes: [...warmUpRoutes], Policy: {} } });
  for (const index of numbers) await agent.call('updateInterface', { interface: spareInterface(index) });
  await agent.call('updateRoutes', { routes: { Routes: [], Policy: {} } });
}

/** Parameters of the warm-up. */
export interface WarmUp {
  readonly networks: QemuPlan['networks'];
  /** The seccomp profile of the container that the VM is made for; undefined without such a container. */
  readonly seccomp?: Seccomp | undefined;
}

/** A look-up is cached after it was done twice; a third time covers paths that depend on the order of events. */
const PASSES = 3;

/**
 * Leaves the guest without a sandbox, and with spare network devices. Each pass has a connection of its own, as each command of the
 * runtime and each shim has. @throws AgentError
 */
export async function warmUp(
  connect: () => Promise<AgentConnection>,
  { configuration }: Pick<Context, 'configuration'>,
  { networks, seccomp }: WarmUp,
): Promise<void> {
  for (let pass = 0; pass < PASSES; pass++) {
    const agent = await connect();
    try {
      await reseedClone(agent);
      await useNetwork(agent, networks.length);
      await agent.call('createSandbox', warmUpSandbox(shareOf(configuration.hypervisor)));
      await runContainer(agent, seccomp);
      // DestroySandbox removes a container after its answer. After the last pass nothing may be left to do.
      if (pass === PASSES - 1) await agent.call('removeContainer', { container_id: CONTAINER });
      await agent.call('destroySandbox', {});
    } finally {
      agent.close();
    }
  }
}

/**
 * Makes work on a sandbox fail as soon as one of the sandbox's processes ends. Otherwise it would fail at the deadline of a call to the
 * guest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { AgentError, KataError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { processEnd } from '@kata-containers/common/kernel/process-end';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { openPidfd } from '../processes/open-pidfd.ts';
import type { SandboxState } from '../state/state.ts';

export interface NeededProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
}

export const processesOf = ({ HypervisorState, AgentState }: Pick<SandboxState, 'HypervisorState' | 'AgentState'>): NeededProcess[] => [
  { name: 'QEMU', identity: HypervisorState.Process },
  { name: 'kata-proxy', identity: AgentState.Proxy },
  ...(HypervisorState.Virtiofsd ? [{ name: 'virtiofsd', identity: HypervisorState.Virtiofsd }] : []),
];

/** Longest time between the end of a connection and the end of its process. */
const END_MS = 500;

const isUnavailable = (error: unknown): boolean => error instanceof AgentError && error.grpcCode === GRPC.unavailable;

/**
 * Waits for `work`, which uses the agent. When a process ends, closes the agent's connection, so that pending calls of `work` fail. Always
 * waits for the end of `work`, which records its changes.
 * @throws KataError that names the ended process, whatever error `work` throws
 */
export async function whileRunning<T>(
  needed: readonly NeededProcess[],
  { agent, kernel }: { readonly agent: Pick<AgentConnection, 'close'>; readonly kernel: Pick<Kernel, 'openPidfd'> },
  work: () => Promise<T>,
): Promise<T> {
  const check = (): void => {
    const ended = needed.find(({ identity }) => !isAlive(identity));
    if (ended) throw new KataError(`${ended.name} (process ${ended.identity.pid}) has ended`);
  };
  const ends = needed.flatMap(({ identity }) => {
    const pidfd = openPidfd(kernel, identity);
    return pidfd === undefined ? [] : [processEnd(pidfd)];
  });
  for (const { ended } of ends) void ended.then(() => agent.close());
  try {
    check();
    const result = await work();
    check();
    return result;
  } catch (error) {
    // A process that ends closes its sockets first; its end is visible a moment later.
    if (isUnavailable(error)) await Promise.race([...ends.map(({ ended }) => ended), sleep(END_MS)]);
    check();
    throw error;
  } finally {
    for (const end of ends) end.close();
  }
}

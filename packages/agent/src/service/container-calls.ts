/** Containers and their processes. */
import { status } from '@grpc/grpc-js';
import { LONGEST_TIMER_MS } from '@kata-containers/common/process/longest-timer';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import type { Sandbox } from '../containers/sandbox.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { AgentHandlers } from './handlers.ts';

/** Waits for `work` for at most `seconds`; 0 means no limit. The work continues after a timeout, as in 1.x. */
function within(seconds: number, work: Promise<void>): Promise<void> {
  if (seconds === 0) return work;
  const late = (): Error => new GrpcError(status.DEADLINE_EXCEEDED, `Timeout reached after ${seconds}s`); // 1.x's text
  return withTimeout(work, Math.min(seconds * 1000, LONGEST_TIMER_MS), late);
}

export function containerCalls(sandbox: Sandbox) {
  return {
    createContainer: (request) => sandbox.createContainer(request),
    startContainer: ({ container_id }) => sandbox.startContainer(container_id),
    removeContainer: ({ container_id, timeout }) => within(timeout, sandbox.removeContainer(container_id)),
    execProcess: ({ container_id, exec_id, process: message }) => sandbox.processesOf(container_id).exec(exec_id, message),
    signalProcess: ({ container_id, exec_id, signal }) => sandbox.signal(container_id, exec_id, signal),
    waitProcess: async ({ container_id, exec_id }, call) => {
      const { code, isOomKilled } = await sandbox.processesOf(container_id).wait(exec_id, call);
      return { status: code, oom_killed: isOomKilled };
    },
    pauseContainer: ({ container_id }) => sandbox.container(container_id).pause(),
    resumeContainer: ({ container_id }) => sandbox.container(container_id).resume(),
    listProcesses: async ({ container_id, format, args }) => ({
      process_list: Buffer.from(await sandbox.container(container_id).listProcesses(format, args)),
    }),
    updateContainer: async ({ container_id, resources }) => {
      if (!resources) throw new Error('Resources in the request are nil');
      await sandbox.container(container_id).update(resources);
    },
    statsContainer: async ({ container_id }) => ({
      cgroup_stats: await sandbox.container(container_id).stats(),
      network_stats: [], // 1.x: a container has no interfaces of its own
    }),
    getOOMEvent: async (_, call) => ({
      container_id: await sandbox.oomEvents.next(call.onCancelled),
    }),
  } satisfies Partial<AgentHandlers>;
}

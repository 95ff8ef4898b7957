/** Containers and their processes. */
import { status } from '@grpc/grpc-js';
import type * as agent from '@kata-containers/common/generated/agent';
import { LONGEST_TIMER_MS } from '@kata-containers/common/process/longest-timer';
import type { Sandbox } from '../containers/sandbox.ts';
import type { CallContext } from './call-context.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Handlers } from './server.ts';

/** Waits for `work`, for as many seconds at the most; zero is for ever. The work goes on in any case (1.x too). */
async function within(seconds: number, work: Promise<void>): Promise<void> {
  if (seconds === 0) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new GrpcError(status.DEADLINE_EXCEEDED, `Timeout reached after ${seconds}s`);
    timer = setTimeout(() => reject(error), Math.min(seconds * 1000, LONGEST_TIMER_MS));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function containerCalls(sandbox: Sandbox): Handlers {
  return {
    createContainer: (request: agent.CreateContainerRequest) => sandbox.createContainer(request),
    startContainer: ({ container_id }: agent.StartContainerRequest) => sandbox.startContainer(container_id),
    removeContainer: ({ container_id, timeout }: agent.RemoveContainerRequest) => within(timeout, sandbox.removeContainer(container_id)),
    execProcess: ({ container_id, exec_id, process }: agent.ExecProcessRequest) => sandbox.container(container_id).exec(exec_id, process),
    signalProcess: ({ container_id, exec_id, signal }: agent.SignalProcessRequest) => sandbox.signal(container_id, exec_id, signal),
    waitProcess: async ({ container_id, exec_id }: agent.WaitProcessRequest, call: CallContext): Promise<agent.WaitProcessResponse> => ({
      status: await sandbox.container(container_id).wait(exec_id, call),
    }),
    pauseContainer: ({ container_id }: agent.PauseContainerRequest) => sandbox.container(container_id).pause(),
    resumeContainer: ({ container_id }: agent.ResumeContainerRequest) => sandbox.container(container_id).resume(),
    listProcesses: async ({ container_id, format, args }: agent.ListProcessesRequest): Promise<agent.ListProcessesResponse> => ({
      process_list: Buffer.from(await sandbox.container(container_id).listProcesses(format, args)),
    }),
    updateContainer: async ({ container_id, resources }: agent.UpdateContainerRequest): Promise<void> => {
      if (!resources) throw new Error('Resources in the request are nil');
      await sandbox.container(container_id).update(resources);
    },
    statsContainer: async ({ container_id }: agent.StatsContainerRequest): Promise<agent.StatsContainerResponse> => ({
      cgroup_stats: await sandbox.container(container_id).stats(),
      network_stats: [], // of interfaces that are the container's own: it has none, as in 1.x
    }),
    getOOMEvent: async (_: agent.GetOOMEventRequest, call: CallContext): Promise<agent.OOMEvent> => ({
      container_id: await sandbox.oomEvents.next(call.onCancelled),
    }),
  };
}

/** Containers and their processes. */
import type * as agent from '@kata-containers/common/generated/agent';
import type { Sandbox } from '../containers/sandbox.ts';
import type { Handlers } from './server.ts';

export function containerCalls(sandbox: Sandbox): Handlers {
  return {
    createContainer: (request: agent.CreateContainerRequest) => sandbox.createContainer(request),
    startContainer: ({ container_id }: agent.StartContainerRequest) => sandbox.container(container_id).start(),
    removeContainer: ({ container_id }: agent.RemoveContainerRequest) => sandbox.removeContainer(container_id),
    execProcess: ({ container_id, exec_id, process }: agent.ExecProcessRequest) => sandbox.container(container_id).exec(exec_id, process),
    signalProcess: ({ container_id, exec_id, signal }: agent.SignalProcessRequest) =>
      sandbox.container(container_id).signal(exec_id, signal),
    waitProcess: async ({ container_id, exec_id }: agent.WaitProcessRequest): Promise<agent.WaitProcessResponse> => ({
      status: await sandbox.container(container_id).wait(exec_id),
    }),
    pauseContainer: ({ container_id }: agent.PauseContainerRequest) => sandbox.container(container_id).pause(),
    resumeContainer: ({ container_id }: agent.ResumeContainerRequest) => sandbox.container(container_id).resume(),
    listProcesses: async ({ container_id, format, args }: agent.ListProcessesRequest): Promise<agent.ListProcessesResponse> => ({
      process_list: Buffer.from(await sandbox.container(container_id).listProcesses(format, args)),
    }),
  };
}

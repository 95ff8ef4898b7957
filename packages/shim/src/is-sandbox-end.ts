import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';

/** Whether the agent refused a call because the sandbox is being removed: it ends the processes of exec with the sandbox. */
export const isSandboxEnd = (error: unknown): boolean => error instanceof AgentError && error.grpcCode === GRPC.failedPrecondition;

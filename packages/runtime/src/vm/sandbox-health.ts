/** The state of a sandbox's processes, for the errors of a guest that does not answer: QEMU and proxy end for different reasons. */
import { basename, dirname } from 'node:path';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import { processState } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { seccompViolationOf } from '../hypervisor/qemu/seccomp-violation.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { SandboxState } from '../state/state.ts';

/** The processes in the saved state of a sandbox. */
export type SandboxProcesses = Pick<SandboxState, 'SandboxContainer' | 'AgentState' | 'HypervisorState'>;

const words = { running: 'is running', stopped: 'is stopped (SIGSTOP)', ended: 'has ended' } as const;
const stateText = (name: string, identity: ProcessIdentity): string => `${name} (pid ${identity.pid}) ${words[processState(identity)]}`;

/** The cause from the kernel's log, for a QEMU that its seccomp filter has killed. */
function causeText(qemu: ProcessIdentity): string {
  const cause = processState(qemu) === 'ended' ? seccompViolationOf(qemu) : undefined;
  return cause === undefined ? '' : ` (${cause})`;
}

/** One sentence with the state of QEMU and proxy, the path of their logs, and the command that ends the sandbox. */
export function healthText({ SandboxContainer, AgentState, HypervisorState }: SandboxProcesses): string {
  const processes = [
    `${stateText('QEMU', HypervisorState.Process)}${causeText(HypervisorState.Process)}`,
    stateText('kata-proxy', AgentState.Proxy),
  ];
  const logs = `logs are in ${sandboxPaths(basename(dirname(AgentState.URL))).vm}`; // the proxy's socket is in the sandbox's directory
  return `${processes.join(', ')}; ${logs}; 'kata-runtime delete --force ${SandboxContainer}' ends the sandbox`;
}

/** Adds the health of the sandbox to an error of a call without an answer; returns other errors unchanged. */
export function withHealth(error: unknown, sandbox: SandboxProcesses): unknown {
  const isSilence = error instanceof AgentError && (error.grpcCode === GRPC.unavailable || error.grpcCode === GRPC.deadlineExceeded);
  return isSilence ? new AgentError(error.grpcCode, `${error.message}: ${healthText(sandbox)}`, { cause: error.cause }) : error;
}

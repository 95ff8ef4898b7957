/** The errors of calls to the agent. Text from the guest is bounded and sanitized. */
import { sanitizeLine } from '../errors/guest-text.ts';
import { AgentError } from '../errors/kata-error.ts';
import type { CallErrors } from '../grpc/grpc-client.ts';
import { GRPC } from '../grpc/status.ts';

/** Limit of the guest's text in an error, in characters. */
const MAX_ERROR_TEXT = 2048;

export const agentErrors: CallErrors = {
  failed(call, code, details) {
    const text = sanitizeLine(details.slice(0, MAX_ERROR_TEXT));
    if (code === GRPC.unavailable) return new AgentError(code, `the agent cannot be reached (${call})`);
    if (code === GRPC.deadlineExceeded) return new AgentError(code, `the agent did not answer ${call} in time`);
    return new AgentError(code, text === '' ? `the agent refused ${call}` : text);
  },
  unreachable: (reason) => new AgentError(GRPC.unavailable, `the agent cannot be reached: ${reason}`),
};

/** Errors for callers when the agent refuses a call or does not answer. Text from the guest is bounded and sanitized. */
import { AgentError } from './kata-error.ts';
import { sanitizeLine } from './guest-text.ts';

/** The gRPC status codes that callers tell apart (grpc/status). */
export const GRPC = { cancelled: 1, unknown: 2, deadlineExceeded: 4, resourceExhausted: 8, internal: 13, unavailable: 14 } as const;

/** Limit of the guest's text in an error, in characters. */
const MAX_ERROR_TEXT = 2048;

/** The error of call `name` that ended with gRPC status `code`. */
export function agentError(name: string, code: number, details: string): AgentError {
  const text = sanitizeLine(details.slice(0, MAX_ERROR_TEXT));
  if (code === GRPC.unavailable) return new AgentError(code, `the agent cannot be reached (${name})`);
  if (code === GRPC.deadlineExceeded) return new AgentError(code, `the agent did not answer ${name} in time`);
  return new AgentError(code, text === '' ? `the agent refused ${name}` : text);
}

/** No process listened in time. */
export function unreachableError(timeoutMs: number): AgentError {
  return new AgentError(GRPC.unavailable, `the agent's socket does not answer within ${timeoutMs / 1000} s`);
}

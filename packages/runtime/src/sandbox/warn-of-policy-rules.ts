/** Logs the policy rules of a network namespace that the guest does not get. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { NetworkFacts } from '../network/join.ts';

/** `reported`: rules with an earlier warning in the log. */
export function warnOfPolicyRules({ leftOutRules = [] }: NetworkFacts, log: Logger, reported: readonly string[] = []): void {
  for (const rule of leftOutRules)
    if (!reported.includes(rule)) log.warn('a policy rule of the network namespace cannot be copied to the guest', { rule });
}

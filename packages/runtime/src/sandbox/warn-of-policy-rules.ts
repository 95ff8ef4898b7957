/** Logs what a network namespace has and the guest does not get. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { NetworkFacts } from '../network/join.ts';

/** `told`: the rules of which the log has warned already. */
export function warnOfPolicyRules({ rules = [] }: NetworkFacts, log: Logger, told: readonly string[] = []): void {
  for (const rule of rules)
    if (!told.includes(rule))
      log.warn('a policy rule of the network namespace, and the routes of its table, have no effect in a VM', { rule });
}

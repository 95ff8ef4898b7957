/** Logs policy rules of the network namespace, which do not apply in the guest. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { NetworkFacts } from '../network/join.ts';

/** `told`: rules with an earlier warning in the log. */
export function warnOfPolicyRules({ rules = [] }: NetworkFacts, log: Logger, told: readonly string[] = []): void {
  for (const rule of rules)
    if (!told.includes(rule))
      log.warn('a policy rule of the network namespace, and the routes of its table, have no effect in a VM', { rule });
}

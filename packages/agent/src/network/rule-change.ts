/** The difference between two lists of policy rules. Pure. */
import type { RuleRequest } from './rule-plan.ts';

export interface RuleChange {
  readonly added: readonly RuleRequest[];
  /** To be removed after `added` was added. */
  readonly gone: readonly RuleRequest[];
}

/** The messages of each priority, in order: the order decides between rules of the same priority. */
function byPriority(rules: readonly RuleRequest[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { place, message } of rules) texts.set(place, `${texts.get(place) ?? ''} ${message.toString('hex')}`);
  return texts;
}

/** Rules of a priority stay if all rules of that priority stay. */
export function planRules(earlier: readonly RuleRequest[], wanted: readonly RuleRequest[]): RuleChange {
  const [before, after] = [byPriority(earlier), byPriority(wanted)];
  const changes = ({ place }: RuleRequest): boolean => before.get(place) !== after.get(place);
  return { added: wanted.filter(changes), gone: earlier.filter(changes) };
}

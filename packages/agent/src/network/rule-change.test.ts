import assert from 'node:assert/strict';
import { Rule } from '@kata-containers/common/generated/types';
import { planRules } from './rule-change.ts';
import { ruleRequest } from './rule-plan.ts';

describe('planRules', () => {
  const rule = (priority: number, mark: number) => ruleRequest(Rule.fromPartial({ priority, mark, action: 3 }));
  const [first, second, other] = [rule(50, 1), rule(50, 2), rule(60, 1)];

  it('keeps equal rules', () => assert.deepEqual(planRules([first, other], [first, other]), { added: [], gone: [] }));
  it('adds and removes rules of other priorities', () =>
    assert.deepEqual(planRules([first, other], [first, rule(70, 1)]), { added: [rule(70, 1)], gone: [other] }));
  it('replaces all rules of a priority whose order changes', () =>
    assert.deepEqual(planRules([second, other], [first, second, other]), { added: [first, second], gone: [second] }));
});

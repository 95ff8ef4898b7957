import assert from 'node:assert/strict';
import { formatTraceParent, newSpanId, newTraceId, parseTraceParent } from './trace-parent.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';

describe('parseTraceParent', () => {
  const cases: [name: string, text: string | undefined, isSampled: boolean | undefined][] = [
    ['a recorded parent', `00-${trace}-${span}-01`, true],
    ['a parent that is not recorded', `00-${trace}-${span}-00`, false],
    ['other flags', `00-${trace}-${span}-03`, true],
    ['a later version with more fields', `cc-${trace}-${span}-01-more`, true],
    ['version 00 with more fields', `00-${trace}-${span}-01-more`, undefined],
    ['the invalid version', `ff-${trace}-${span}-01`, undefined],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${span}-01`, undefined],
    ['a span id of zeros', `00-${trace}-${'0'.repeat(16)}-01`, undefined],
    ['upper case', `00-${trace.toUpperCase()}-${span}-01`, undefined],
    ['no parent', undefined, undefined],
    ['another text', 'x', undefined],
  ];
  for (const [name, text, isSampled] of cases)
    it(name, () =>
      assert.deepEqual(parseTraceParent(text), isSampled === undefined ? undefined : { traceId: trace, spanId: span, isSampled }),
    );

  it('reads what formatTraceParent writes', () => {
    const context = { traceId: newTraceId(), spanId: newSpanId(), isSampled: true };
    assert.deepEqual(parseTraceParent(formatTraceParent(context)), context);
  });
});

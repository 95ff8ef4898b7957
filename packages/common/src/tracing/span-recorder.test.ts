import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { SPANS_TRAILER } from './guest-spans.ts';
import { SpanRecorder } from './span-recorder.ts';
import type { Span } from './span.ts';
import { parseTraceParent } from './trace-parent.ts';

const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true };
const recorder = (changes: Partial<ConstructorParameters<typeof SpanRecorder>[0]> = {}): SpanRecorder =>
  new SpanRecorder({ service: 'kata-runtime', name: 'verb', parent: undefined, asksGuest: true, ...changes });
/** `child < parent` for each span except the span of the process. */
const tree = (spans: readonly Span[]): string[] => {
  const nameOf = (id: string | undefined): string => spans.find(({ spanId }) => spanId === id)?.name ?? '-';
  return spans.slice(1).map(({ name, parentSpanId }) => `${name} < ${nameOf(parentSpanId)}`);
};

describe('SpanRecorder', () => {
  it('makes a step the child of the step that runs it, also for concurrent steps', async () => {
    const trace = recorder();
    await trace.step('outer', () =>
      Promise.all([trace.step('one', () => turn()), trace.step('two', () => trace.step('three', () => turn()))]),
    );
    assert.deepEqual(tree(trace.end()).sort(), ['one < outer', 'outer < verb', 'three < two', 'two < outer']);
  });

  it('continues the trace of its parent', () => {
    const [root] = recorder({ parent }).end();
    assert.deepEqual([root?.traceId, root?.parentSpanId, root?.kind], [parent.traceId, parent.spanId, 'server']);
  });

  it('joins a trace after its start, unless the process has a parent', async () => {
    const trace = recorder();
    await trace.step('early', () => {});
    trace.continue(parent);
    for (const { traceId } of trace.end()) assert.equal(traceId, parent.traceId);
    const other = recorder({ parent });
    other.continue({ ...parent, traceId: 'c'.repeat(32) });
    assert.equal(other.end()[0]?.traceId, parent.traceId);
  });

  it('records the error of a step, without control characters, and throws it', async () => {
    const trace = recorder();
    const failing = trace.step('step', () => Promise.reject(new Error('no\u001broom')));
    await assert.rejects(failing, /no/);
    assert.equal(trace.end()[1]?.error, 'no?room');
    assert.equal(trace.end(new Error('all'))[0]?.error, 'all');
  });

  it("passes the running span to a call, and makes the guest's spans children of the call", async () => {
    const trace = recorder();
    const sent: string[] = [];
    await trace.step('step', () =>
      trace.call('CreateContainer', async ({ headers = [], onTrailers }) => {
        await turn();
        sent.push(...headers.flat());
        onTrailers?.(new Map([[SPANS_TRAILER, '[["CreateContainer",-1,0,0],["crun create",0,0,0]]']]));
      }),
    );
    const spans = trace.end();
    assert.deepEqual(tree(spans).sort(), [
      'CreateContainer < CreateContainer',
      'CreateContainer < step',
      'crun create < CreateContainer',
      'step < verb',
    ]);
    const call = spans.find(({ kind }) => kind === 'client');
    assert.equal(sent[0], 'traceparent');
    assert.equal(parseTraceParent(sent[1])?.spanId, call?.spanId);
    assert.deepEqual([...new Set(spans.map(({ service }) => service))].sort(), ['kata-agent', 'kata-runtime']);
    for (const { beginMs, endMs, service } of spans)
      if (service === 'kata-agent') assert.ok(beginMs >= (call?.beginMs ?? NaN) && endMs <= (call?.endMs ?? NaN));
  });

  it('does not request spans of a guest that is not traced', async () => {
    const trace = recorder({ asksGuest: false });
    assert.deepEqual(await trace.call('Check', (additions) => Promise.resolve(additions)), {});
    assert.deepEqual(tree(trace.end()), ['Check < verb']);
  });

  it('records a limited number of spans', async () => {
    const trace = recorder();
    for (let count = 0; count < 600; count++) await trace.step('step', () => {});
    assert.equal(trace.end().length, 513);
  });
});

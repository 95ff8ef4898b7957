import assert from 'node:assert/strict';
import { MAX_GUEST_SPANS, readGuestSpans, writeGuestSpans } from './guest-spans.ts';

const call = { beginMs: 1000, endMs: 1100 };

describe('spans of the guest', () => {
  it('are placed in the middle of the call', () => {
    const text = writeGuestSpans([
      { name: 'CreateContainer', beginMs: 0, endMs: 60 },
      { name: 'crun create', parent: 0, beginMs: 10, endMs: 50.12345 },
    ]);
    assert.equal(text, '[["CreateContainer",-1,0,60],["crun create",0,10,40.123]]');
    assert.deepEqual(readGuestSpans(text, call), [
      { name: 'CreateContainer', beginMs: 1020, endMs: 1080 },
      { name: 'crun create', parent: 0, beginMs: 1030, endMs: 1070.123 },
    ]);
  });

  it('are never outside of the call, also with wrong times of the guest', () => {
    const [first, second] = readGuestSpans('[["a",-1,0,1e9],["b",0,5e8,1]]', call);
    assert.deepEqual(first, { name: 'a', beginMs: 1000, endMs: 1100 });
    assert.deepEqual(second, { name: 'b', parent: 0, beginMs: 1100, endMs: 1100 });
  });

  it('are limited in number and length', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({
      name: 'x'.repeat(60),
      ...(index > 0 && { parent: 0 }),
      beginMs: 0,
      endMs: 1,
    }));
    const text = writeGuestSpans(many);
    assert.ok(text.length <= 4096);
    assert.equal(readGuestSpans(text, call).length, MAX_GUEST_SPANS);
    const flood = JSON.stringify(Array.from({ length: 200 }, (_, index) => ['x', index === 0 ? -1 : 0, 0, 0]));
    assert.equal(readGuestSpans(flood, call).length, MAX_GUEST_SPANS);
    assert.deepEqual(readGuestSpans(JSON.stringify([['x'.repeat(5000), -1, 0, 1]]), call), []);
  });

  const malformed: [name: string, text: string][] = [
    ['no JSON', '['],
    ['no list', '{"a":1}'],
    ['a row that is no list', '["a"]'],
    ['a name with control characters', '[["\\u001b[2J",-1,0,1]]'],
    ['an empty name', '[["",-1,0,1]]'],
    ['a first span with a parent', '[["a",0,0,1]]'],
    ['a negative time', '[["a",-1,-1,1]]'],
    ['a duration that is no number', '[["a",-1,0,"1"]]'],
    ['an infinite duration', '[["a",-1,0,1e400]]'],
  ];
  for (const [name, text] of malformed) it(`ignores ${name}`, () => assert.deepEqual(readGuestSpans(text, call), []));

  it('a parent that follows its child ends the list', () =>
    assert.equal(readGuestSpans('[["a",-1,0,1],["b",2,0,1],["c",0,0,1]]', call).length, 1));
});

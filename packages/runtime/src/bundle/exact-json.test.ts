import assert from 'node:assert/strict';
import { exactIntegers, exactJson } from './exact-json.ts';

describe('exact JSON', () => {
  it('keeps 64-bit numbers when it parses and writes', () => {
    const text = '{"a":18446744073709551615,"b":[1,-9223372036854775808],"c":1.5}';
    const value: unknown = JSON.parse(text, exactIntegers);
    assert.deepEqual(value, { a: 18446744073709551615n, b: [1, -9223372036854775808n], c: 1.5 });
    assert.equal(exactJson(value), text);
  });
  it('does not change text that looks like a number', () =>
    assert.equal(exactJson({ a: '12', '\x001\x00': '\x002\x00' }), '{"a":"12","\\u00001\\u0000":"\\u00002\\u0000"}'));
});

import assert from 'node:assert/strict';
import { goToml } from './go-toml.ts';

describe('goToml', () => {
  it('indents and writes values before tables', () => {
    const table = { A: { T: { x: 1 }, s: 'a "b"\\', n: null, list: ['a', 'b'] }, B: { ok: true } };
    const text = '[A]\n  s = "a \\"b\\"\\\\"\n  list = ["a", "b"]\n  [A.T]\n    x = 1\n\n[B]\n  ok = true\n';
    assert.equal(goToml(table), text);
  });
});

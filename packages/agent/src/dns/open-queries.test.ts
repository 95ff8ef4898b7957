import assert from 'node:assert/strict';
import { OpenQueries } from './open-queries.ts';

describe('OpenQueries', () => {
  it('passes an answer to the query with the same token, once', () => {
    const queries = new OpenQueries(() => 0);
    const seen: string[] = [];
    const [one, two] = ['one', 'two'].map((name) => queries.add((message) => void seen.push(`${name} ${message.toString()}`)));
    queries.answer(two ?? 0, Buffer.from('b'));
    queries.answer(one ?? 0, Buffer.from('a'));
    queries.answer(one ?? 0, Buffer.from('again'));
    queries.answer(999, Buffer.from('unknown'));
    assert.deepEqual(seen, ['two b', 'one a']);
  });
  it('drops old queries', () => {
    let now = 0;
    const queries = new OpenQueries(() => now);
    queries.add(() => assert.fail());
    now = 29_999;
    queries.add(() => {});
    assert.equal(queries.size, 2);
    now = 30_000;
    queries.add(() => {});
    assert.equal(queries.size, 2);
    queries.answer(0, Buffer.alloc(0));
  });
  it('refuses more than 1,024 queries until one is answered or too old', () => {
    let now = 0;
    const queries = new OpenQueries(() => now);
    const tokens = Array.from({ length: 10_000 }, () => queries.add(() => {}));
    assert.deepEqual(
      tokens.map((token) => token !== undefined),
      tokens.map((_, index) => index < 1024),
    );
    assert.equal(queries.size, 1024);
    queries.answer(7, Buffer.alloc(0));
    assert.deepEqual([queries.add(() => {}), queries.add(() => {})], [1024, undefined]);
    now = 30_000;
    assert.notEqual(
      queries.add(() => {}),
      undefined,
    );
    assert.equal(queries.size, 1);
  });
  it('tokens are distinct after the counter has wrapped', () => {
    const queries = new OpenQueries(() => 0);
    const kept = queries.add(() => {});
    for (let round = 0; round < 70_000; round++) {
      const token = queries.add(() => {}) ?? -1;
      assert.ok(token >= 0 && token < 65536 && token !== kept);
      queries.answer(token, Buffer.alloc(0));
    }
  });
});

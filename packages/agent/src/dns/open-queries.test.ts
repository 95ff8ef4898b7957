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
  it('holds 1,024 queries, with distinct tokens after the counter has wrapped', () => {
    const queries = new OpenQueries(() => 0);
    const tokens = Array.from({ length: 70_000 }, () => queries.add(() => {}));
    assert.equal(queries.size, 1024);
    assert.equal(new Set(tokens.slice(-1024)).size, 1024);
    assert.ok(tokens.every((token) => token < 65536));
  });
});

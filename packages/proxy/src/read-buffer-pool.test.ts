import assert from 'node:assert/strict';
import { ReadBufferPool } from './read-buffer-pool.ts';

describe('ReadBufferPool', () => {
  it('uses one buffer as long as no reader keeps it', () => {
    const memory = new ReadBufferPool();
    assert.equal(memory.next(), memory.next());
  });
  it('reuses a buffer only after all readers have released it', () => {
    const memory = new ReadBufferPool();
    const first = memory.next();
    const [one, other] = [memory.keep(), memory.keep()];
    const second = memory.next();
    assert.notEqual(second, first);
    one();
    memory.keep();
    const third = memory.next();
    assert.ok(third !== first && third !== second);
    other();
    memory.keep();
    assert.equal(memory.next(), first);
  });
});

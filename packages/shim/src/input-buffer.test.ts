import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { InputBuffer } from './input-buffer.ts';
import { DoubleBuffer } from './double-buffer.ts';

describe('InputBuffer', () => {
  it('joins bytes in order until the end', async () => {
    const input = new InputBuffer();
    for (const text of ['one ', 'two ', 'three']) input.add(Buffer.from(text));
    assert.equal((await input.take())?.toString(), 'one two three');
    const waiting = input.take();
    input.add(Buffer.from('four'));
    assert.equal((await waiting)?.toString(), 'four');
    input.add(Buffer.from('five'));
    input.end();
    assert.equal((await input.take())?.toString(), 'five');
    assert.equal(await input.take(), undefined);
  });

  it('does not change a block while it fills the next block', async () => {
    const input = new InputBuffer();
    input.add(Buffer.from('first'));
    const piece = await input.take();
    input.add(Buffer.from('other'));
    assert.equal(piece?.toString(), 'first');
  });

  it('reports when it is full and returns all bytes unchanged, for any chunks', async () => {
    const input = new InputBuffer();
    const data = randomBytes(5 << 20);
    const taken: Buffer[] = [];
    for (let offset = 0, size = 1; offset < data.length; size = (size * 7) % 65_521) {
      const chunk = data.subarray(offset, offset + size);
      offset += chunk.length;
      if (!input.add(chunk)) taken.push(Buffer.from((await input.take()) ?? ''));
    }
    input.end();
    taken.push(Buffer.from((await input.take()) ?? ''));
    assert.ok(Buffer.concat(taken).equals(data));
    assert.ok(taken.length >= 5 && taken.every(({ length }) => length <= 1 << 20));
  });
});

describe('DoubleBuffer', () => {
  it('returns two buffers in turn', () => {
    const memory = new DoubleBuffer(10);
    const [a, b, c] = [memory.next(), memory.next(), memory.next()];
    assert.notEqual(a.buffer, b.buffer);
    assert.equal(a.buffer, c.buffer);
    assert.equal(c.length, 10);
  });
});

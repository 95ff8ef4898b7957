import assert from 'node:assert/strict';
import { Http2Error } from './frames.ts';
import { HeaderTable } from './header-table.ts';

const STATIC_ENTRIES = 61;
const hasEntries = (table: HeaderTable, count: number): void => {
  if (count > 0) table.at(STATIC_ENTRIES + count);
  assert.throws(() => table.at(STATIC_ENTRIES + count + 1), Http2Error);
};

describe('HeaderTable', () => {
  it('begins with the static table of RFC 7541', () => {
    const table = new HeaderTable();
    assert.deepEqual(table.at(1), [':authority', '']);
    assert.deepEqual(table.at(8), [':status', '200']);
    assert.deepEqual(table.at(16), ['accept-encoding', 'gzip, deflate']);
    assert.deepEqual(table.at(61), ['www-authenticate', '']);
    hasEntries(table, 0);
  });

  it('gives the newest entry the lowest index', () => {
    const table = new HeaderTable();
    table.add(['a', '1']);
    table.add(['b', '2']);
    assert.deepEqual(
      [table.at(62), table.at(63)],
      [
        ['b', '2'],
        ['a', '1'],
      ],
    );
  });

  it('holds 4096 bytes, with 32 bytes of overhead for each entry', () => {
    const table = new HeaderTable();
    for (let index = 0; index < 1000; index++) table.add(['', '']);
    hasEntries(table, 128);
    table.add(['x', '']); // 33 bytes: two entries make room
    hasEntries(table, 127);
  });

  it('holds one entry of its size; a larger entry empties it', () => {
    const table = new HeaderTable();
    table.add(['a', '1']);
    table.add(['b', 'x'.repeat(4096 - 32 - 1)]);
    hasEntries(table, 1);
    table.add(['c', 'x'.repeat(4096 - 32)]);
    hasEntries(table, 0);
    table.add(['d', '4']);
    assert.deepEqual(table.at(62), ['d', '4']);
  });

  it('evicts the oldest entries for a smaller size and accepts more after a larger size', () => {
    const table = new HeaderTable();
    for (const name of ['a', 'b', 'c']) table.add([name, '']);
    table.resize(70);
    assert.deepEqual(
      [table.at(62), table.at(63)],
      [
        ['c', ''],
        ['b', ''],
      ],
    );
    hasEntries(table, 2);
    table.resize(0);
    table.add(['d', '']);
    hasEntries(table, 0);
    table.resize(4096);
    table.add(['e', '']);
    hasEntries(table, 1);
    assert.throws(() => table.resize(4097), Http2Error);
  });
});

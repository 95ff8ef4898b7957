import assert from 'node:assert/strict';
import { isQuery } from './parse-query.ts';

const header = (counts: readonly number[], flags = 0x0100): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(0x1234, 0);
  bytes.writeUInt16BE(flags, 2);
  for (const [index, count] of counts.entries()) bytes.writeUInt16BE(count, 4 + 2 * index);
  return bytes;
};
const name = (...labels: string[]): Buffer =>
  Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);
const A_IN = Buffer.from([0, 1, 0, 1]);
const opt = (data: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length, 0);
  return Buffer.concat([Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0]), length, data]);
};
const ONE = [1, 0, 0, 0];
const plain = Buffer.concat([header(ONE), name('web'), A_IN]);

describe('isQuery', () => {
  const cases: [name: string, message: Buffer, expected: boolean][] = [
    ['a query', plain, true],
    ['a query with EDNS', Buffer.concat([header([1, 0, 0, 1]), name('web'), A_IN, opt(Buffer.from([0, 10, 0, 0]))]), true],
    ['the root', Buffer.concat([header(ONE), name(), A_IN]), true],
    ['the longest name', Buffer.concat([header(ONE), name(...Array<string>(3).fill('x'.repeat(63)), 'x'.repeat(61)), A_IN]), true],
    ['a longer name', Buffer.concat([header(ONE), name(...Array<string>(3).fill('x'.repeat(63)), 'x'.repeat(62)), A_IN]), false],
    ['any bytes in a label', Buffer.concat([header(ONE), name('\0\r\n$(x)'), A_IN]), true],
    ['nothing', Buffer.alloc(0), false],
    ['only a header', header(ONE), false],
    ['a response', Buffer.concat([header(ONE, 0x8180), name('web'), A_IN]), false],
    ['an update', Buffer.concat([header(ONE, 5 << 11), name('web'), A_IN]), false],
    ['a notification', Buffer.concat([header(ONE, 4 << 11), name('web'), A_IN]), false],
    ['no question', header([0, 0, 0, 0]), false],
    ['two questions', Buffer.concat([header([2, 0, 0, 0]), name('a'), A_IN, name('b'), A_IN]), false],
    ['an answer', Buffer.concat([header([1, 1, 0, 0]), name('a'), A_IN, name('a'), A_IN, Buffer.alloc(6)]), false],
    ['65,535 questions in the header', Buffer.concat([header([65535, 65535, 65535, 65535]), name('a'), A_IN]), false],
    ['bytes after the message', Buffer.concat([plain, Buffer.from([0])]), false],
    ['a pointer to itself', Buffer.concat([header(ONE), Buffer.from([0xc0, 12]), A_IN]), false],
    ['a label beyond the end', Buffer.concat([header(ONE), Buffer.from([63, 97])]), false],
    ['a name without an end', Buffer.concat([header(ONE), Buffer.from([1, 97])]), false],
    ['a type without a class', Buffer.concat([header(ONE), name('a'), Buffer.from([0, 1])]), false],
    [
      'EDNS longer than its length field',
      Buffer.concat([header([1, 0, 0, 1]), name('a'), A_IN, opt(Buffer.alloc(4)), Buffer.alloc(1)]),
      false,
    ],
    [
      'EDNS shorter than its length field',
      Buffer.concat([header([1, 0, 0, 1]), name('a'), A_IN, opt(Buffer.alloc(4)).subarray(0, -1)]),
      false,
    ],
    ['another record', Buffer.concat([header([1, 0, 0, 1]), name('a'), A_IN, Buffer.from([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])]), false],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: metadata\r\n\r\n'), false],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'), false],
  ];
  for (const [title, message, expected] of cases) it(`${title}: ${expected}`, () => assert.equal(isQuery(message), expected));

  it('does not throw for a truncated query or a query with a changed byte', () => {
    for (let length = 0; length < plain.length; length++) assert.equal(isQuery(plain.subarray(0, length)), false);
    for (let offset = 0; offset < plain.length; offset++)
      for (let value = 0; value < 256; value++) {
        const changed = Buffer.from(plain);
        changed[offset] = value;
        isQuery(changed);
      }
  });
});

/** HPACK's Huffman code (RFC 7541, appendix B). It is canonical: the code lengths define it. */

/** Code lengths of the bytes 0 to 255 and of the end-of-string symbol, as runs of `length*count`. */
const LENGTHS =
  '13 23 28*7 24 30 28*2 30 28*8 30 28*9 6 10*2 12 13 6 8 11 10*2 8 11 8 6*3 5*3 6*7 7 8 15 6 12 10 13 6 7*22 8 7 8 13 19 13 14 6 15 5 6 5 6 5 ' +
  '6*3 5 7*2 6*3 5 6 7 6 5*2 6 7*5 15 11 14 13 28 20 22 20*2 22*3 23 22 23*5 24 23 24*2 22 23 24 23*4 21 22 23 22 23*2 24 22 21 20 22*2 23*2 ' +
  '21 23 22*2 24 21 22 23*2 21*2 22 21 23 22 23*2 20 22*3 23 22*2 23 26*2 20 19 22 23 22 25 26*3 27*2 26 24 25 19 21 26 27*2 26 27 24 21*2 26*2 ' +
  '28 27*3 20 24 20 21 22 21*2 23 22*2 25*2 24*2 26 23 26 27 26*2 27*5 28 27*5 26 30';

export const codeLengths: readonly number[] = LENGTHS.split(' ').flatMap((run) => {
  const [length = 0, count = 1] = run.split('*').map(Number);
  return Array.from({ length: count }, () => length);
});

const END_OF_STRING = 256;
const LONGEST = 30;

/** For each length: the first code of that length, and the symbols that have it, in order. */
const byLength = Array.from({ length: LONGEST + 1 }, () => ({ first: 0, symbols: [] as number[] }));
codeLengths.forEach((length, symbol) => byLength[length]?.symbols.push(symbol));
for (let length = 1, code = 0; length <= LONGEST; length++) {
  const row = byLength[length];
  if (!row) break;
  row.first = code;
  code = (code + row.symbols.length) * 2;
}

/** The decoded text, or undefined when `bytes` are not valid Huffman code. */
export function decodeHuffman(bytes: Buffer): string | undefined {
  const text: number[] = [];
  let code = 0;
  let length = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    code = code * 2 + (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    const row = byLength[++length];
    if (!row) return undefined;
    const symbol = row.symbols[code - row.first];
    if (symbol === undefined) continue;
    if (symbol === END_OF_STRING) return undefined;
    text.push(symbol);
    code = length = 0;
  }
  // The rest must be padding: fewer than eight bits, all ones (section 5.2).
  return length < 8 && code === 2 ** length - 1 ? Buffer.from(text).toString('latin1') : undefined;
}

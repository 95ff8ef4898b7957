import assert from 'node:assert/strict';
import { ConsoleLines, LineBudget } from './console-reader.ts';

describe('ConsoleLines', () => {
  const cases: [name: string, pieces: string[], lines: string[]][] = [
    ['lines that are split between pieces', ['on', 'e\r\ntw', 'o\n'], ['one', 'two']],
    ['empty lines are left out', ['\n\r\na\n'], ['a']],
    ['a line without a line feed is cut', ['x'.repeat(9000)], ['x'.repeat(8192)]],
    ['an incomplete line waits for the rest', ['abc'], []],
  ];
  for (const [name, pieces, lines] of cases) {
    it(name, () => {
      const splitter = new ConsoleLines();
      assert.deepEqual(
        pieces.flatMap((piece) => splitter.push(piece)),
        lines,
      );
    });
  }
});

describe('ConsoleLines at the end', () => {
  it('returns the last line without a line feed', () => {
    const splitter = new ConsoleLines();
    splitter.push('one\ntwo');
    assert.deepEqual([splitter.end(), splitter.end()], [['two'], []]);
  });
});

describe('LineBudget', () => {
  it('drops lines of a flood and counts them', () => {
    let now = 0;
    const dropped: number[] = [];
    const budget = new LineBudget(() => now);
    const admitted = Array.from({ length: 1500 }, () => budget.admit(80, (count) => dropped.push(count))).filter(Boolean);
    assert.equal(admitted.length, 1000);
    now = 1000;
    assert.equal(
      budget.admit(80, (count) => dropped.push(count)),
      true,
    );
    assert.deepEqual(dropped, [500]);
  });

  it('counts long lines more than once', () => {
    const budget = new LineBudget(() => 0);
    const admitted = Array.from({ length: 1000 }, () => budget.admit(8192, () => {})).filter(Boolean);
    assert.equal(admitted.length, 32);
  });
});

import assert from 'node:assert/strict';
import { signalNumber } from './signals.ts';

describe('signalNumber', () => {
  const cases: [text: string, number: number][] = [
    ['9', 9],
    ['KILL', 9],
    ['SIGTERM', 15],
    ['hup', 1],
    ['CLD', 17],
    ['34', 34],
    ['RTMIN+3', 37],
    ['SIGRTMAX', 64],
  ];
  for (const [text, number] of cases) it(text, () => assert.equal(signalNumber(text), number));
  it('refuses an unknown name', () =>
    assert.throws(() => signalNumber('NOPE'), /^UsageError: unknown signal "NOPE": a signal is TERM, SIGTERM or 15/));
  for (const text of ['RTMIN+31', 'RTMAX-31', 'RTMAX+1'])
    it(`${text} is not a signal`, () => assert.throws(() => signalNumber(text), /unknown signal "\d+"$/));
  it('refuses an unknown number', () => assert.throws(() => signalNumber('99'), /unknown signal "99"$/));
});

import assert from 'node:assert/strict';
import { parseDuration } from './parse-duration.ts';

describe('parseDuration', () => {
  const cases: [text: string, milliseconds: number | undefined][] = [
    ['3s', 3000],
    ['1m30s', 90_000],
    ['1.5s', 1500],
    ['500ms', 500],
    ['3', undefined],
    ['s3', undefined],
    ['', undefined],
  ];
  for (const [text, milliseconds] of cases) it(`"${text}"`, () => assert.equal(parseDuration(text), milliseconds));
});

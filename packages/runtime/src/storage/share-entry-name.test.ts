import assert from 'node:assert/strict';
import { shareEntryName } from './share-entry-name.ts';

describe('shareEntryName', () => {
  const cases: [name: string, path: string, result: string][] = [
    ['the last name', '/a/b', 'head-b'],
    ['the root', '/', 'head-root'],
    ['the longest name', `/a/${'x'.repeat(250)}`, `head-${'x'.repeat(250)}`],
    ['a name that is too long', `/a/${'x'.repeat(251)}`, 'head'],
    ['the length in bytes, not in characters', `/a/${'ü'.repeat(126)}`, 'head'],
  ];
  for (const [name, path, result] of cases) it(name, () => assert.equal(shareEntryName('head', path), result));
});

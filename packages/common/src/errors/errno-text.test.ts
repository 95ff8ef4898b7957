import assert from 'node:assert/strict';
import { withoutErrnoText } from './errno-text.ts';

describe('withoutErrnoText', () => {
  const cases: [text: string, reported: string][] = [
    ["Could not open '/dev/loop0': Permission denied", "Could not open '/dev/loop0': EACCES"],
    ['RTNETLINK answers: No such file or directory; no such file or directory', 'RTNETLINK answers: ENOENT; ENOENT'],
    ['/x is a directory, and /y not a directory', '/x EISDIR, and /y ENOTDIR'],
    ['Device or resource busy', 'Device or resource busy'],
  ];
  for (const [text, reported] of cases) it(text, () => assert.equal(withoutErrnoText(text), reported));
});

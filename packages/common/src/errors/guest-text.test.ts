import assert from 'node:assert/strict';
import { sanitizeJson, sanitizeLine, sanitizeLines } from './guest-text.ts';

const ESCAPE = '\x1b[2J\x9b2J\x7f\x00';

describe('text of a guest', () => {
  it('cannot move a cursor', () => {
    assert.equal(sanitizeLine(`a${ESCAPE}\n\tb`), 'a?[2J?2J????b');
    assert.equal(sanitizeLines(`a${ESCAPE}\r\n\tb`), 'a?[2J?2J???\n\tb');
  });
  it('cannot reverse the displayed text', () => assert.equal(sanitizeLine('a\u202eb\u2066c\u200bd\u2028'), 'a?b?c?d?'));
  it('may contain letters of any language', () => assert.equal(sanitizeLine('día 日 😀'), 'día 日 😀'));
  it('is unchanged after parsing JSON', () => {
    const text = `${ESCAPE}\u202e日`;
    const json = sanitizeJson(JSON.stringify(text));
    assert.match(json, /^[ -~日]*$/);
    assert.equal(JSON.parse(json), text);
  });
});

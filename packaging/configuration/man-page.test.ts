import assert from 'node:assert/strict';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import { configurationManPage, troff } from './man-page.ts';

describe('kata-configuration.toml(5)', () => {
  it('has every key', () => {
    const page = configurationManPage();
    const keys = Object.values(schema).flatMap((table) => Object.keys(table));
    assert.deepEqual(keys.filter((key) => !page.includes(`.BI ${key} `)), []); // prettier-ignore
  });
  it('has no text that troff takes for a request or an escape', () =>
    assert.equal(troff("a-b\\c\n.d\n'e…"), "a\\-b\\ec\n\\&.d\n\\&'e\\[u2026]"));
});

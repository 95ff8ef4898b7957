import assert from 'node:assert/strict';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import { configurationManPage } from './configuration-page.ts';
import { flagsPage, pagePrograms } from './flags-page.ts';
import { troff } from './troff.ts';

describe('kata-configuration.toml(5)', () => {
  it('has every key', () => {
    const page = configurationManPage();
    const keys = Object.values(schema).flatMap((table) => Object.keys(table));
    assert.deepEqual(keys.filter((key) => !page.includes(`.BI ${key} `)), []); // prettier-ignore
  });
  it('escapes requests and escape characters of troff', () => assert.equal(troff("a-b\\c\n.d\n'e…"), "a\\-b\\ec\n\\&.d\n\\&'e\\[u2026]"));
});

for (const program of pagePrograms)
  describe(`${program.name}(8)`, () => {
    const page = flagsPage(program);
    it('has every flag with its description', () => {
      for (const { name, description } of program.flags)
        assert.ok(page.includes(`.BI ${troff(`-${name}`)}`) && page.includes(troff(description)), name);
    });
    it('has the path of the program, which is not in PATH', () =>
      assert.match(page, new RegExp(`^\\.B /usr/libexec/.*/${program.name.replaceAll('-', '\\\\-')}$`, 'm')));
    it('has a NAME section', () => assert.match(page, new RegExp(`^\\.SH NAME\n${program.name.replaceAll('-', '\\\\-')} `, 'm')));
  });

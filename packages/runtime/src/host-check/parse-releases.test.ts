import assert from 'node:assert/strict';
import { listLine, parseReleases, releaseLine } from './parse-releases.ts';
import { parseVersion } from './parse-version.ts';

const row = (tag_name: string, prerelease = false): object => ({
  tag_name,
  prerelease,
  published_at: '2020-01-01',
  html_url: `https://x/${tag_name}`,
});
const json = JSON.stringify([row('1.12.0'), row('2.0.0-rc1', true), row('1.13.1'), row('1.14.0'), row('odd')]);
const current = parseVersion('1.13.0') ?? assert.fail();

describe('releases', () => {
  it('lists newer releases in order', () =>
    assert.deepEqual(parseReleases(json, current, false).map(listLine), [
      '1.13.1;2020-01-01;https://x/1.13.1',
      '1.14.0;2020-01-01;https://x/1.14.0',
    ]));
  it('lists pre-releases on request', () => assert.equal(parseReleases(json, current, true).at(-1)?.version.semver, '2.0.0-rc1'));
  const lines: [tags: string[], line: string][] = [
    [[], 'No newer release available'],
    [['1.13.1'], 'Newer patch release available: 1.13.1 (url: https://x/1.13.1, date: 2020-01-01)'],
    [['1.14.0'], 'Newer minor release available: 1.14.0 (url: https://x/1.14.0, date: 2020-01-01)'],
    [['1.14.0', '2.0.0'], 'Newer major release available: 2.0.0 (url: https://x/2.0.0, date: 2020-01-01)'],
  ];
  for (const [tags, line] of lines)
    it(line, () => assert.equal(releaseLine(current, parseReleases(JSON.stringify(tags.map((tag) => row(tag))), current, false)), line));
});

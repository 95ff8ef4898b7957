import assert from 'node:assert/strict';
import { compareVersions, parseVersion } from './parse-version.ts';
import type { Version } from './parse-version.ts';

const version = (text: string): Version => parseVersion(text) ?? assert.fail(text);

describe('parseVersion', () => {
  it('takes the last word', () => {
    const expected = { semver: '1.13.0-ts.1', major: 1, minor: 13, patch: 0, preRelease: ['ts', '1'] };
    assert.deepEqual(parseVersion('kata-proxy version 1.13.0-ts.1\n'), expected);
  });
  for (const text of ['', 'kata-proxy', '1.2', 'one.two.three'])
    it(`"${text}" is rejected`, () => assert.equal(parseVersion(text), undefined));
});

describe('compareVersions', () => {
  const ascending = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.10.0',
  ];
  it('orders versions as semver.org defines', () => {
    const sorted = ascending.toReversed().toSorted((a, b) => compareVersions(version(a), version(b)));
    assert.deepEqual(sorted, ascending);
  });
  it('returns 0 for equal versions', () => assert.equal(compareVersions(version('1.2.3-x.1'), version('v1.2.3-x.1')), 0));
});

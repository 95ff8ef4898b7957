import assert from 'node:assert/strict';
import { engineNotice, guestExecutable, hostExecutable, readEngineVersions } from './notice.ts';

describe('the notice of a program with Bun', () => {
  const versions = { bun: '1.2.3', revision: 'b00', webkit: 'ec1', tinycc: '7cc' };

  it('names libraries under the LGPL with their licences, and the sources of exactly these versions', () => {
    const text = engineNotice(versions, hostExecutable);
    assert.match(text, /JavaScriptCore.* version 2 or later \(file LGPL-2\)/);
    assert.match(text, /TinyCC .* version 2\.1 or later \(file LGPL-2\.1\)/);
    for (const source of ['oven-sh/bun, tag bun-v1.2.3, commit b00', 'oven-sh/WebKit, commit ec1', 'oven-sh/tinycc, commit 7cc'])
      assert.ok(text.includes(`https://github.com/${source}\n`), source);
    assert.match(text, /^To make the program with a changed library:$/m);
  });

  it('says where the program is and how it is made', () => {
    for (const executable of [hostExecutable, guestExecutable])
      for (const part of Object.values(executable)) assert.ok(engineNotice(versions, executable).includes(part), part);
  });

  it('has the versions from the Bun that is shipped', () => {
    const { bun, ...commits } = readEngineVersions();
    assert.match(bun, /^\d+\.\d+\.\d+$/);
    for (const commit of Object.values(commits)) assert.match(commit, /^[0-9a-f]{40}$/);
  });
});

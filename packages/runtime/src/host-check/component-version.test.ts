import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentVersion, versionOrProblem } from './component-version.ts';

describe('componentVersion', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'version-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  function program(script: string): string {
    const path = join(directory, 'program');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it('is the first line', () => assert.equal(componentVersion(program('echo "$1 1.2"; echo more')), '--version 1.2'));
  it('has the last line of stderr of a program that fails', () =>
    assert.deepEqual(versionOrProblem(program('echo first >&2; printf "a\\033b\\n" >&2; exit 127')), { problem: 'a?b' }));
  it('has no reason for a program that cannot be started', () =>
    assert.deepEqual(versionOrProblem(join(directory, 'none')), { problem: '' }));
  it('is unknown for a program that cannot be started', () => assert.equal(componentVersion(join(directory, 'none')), undefined));
  it('is unknown for a program that does not end and ignores SIGTERM', () => {
    const begun = performance.now();
    assert.equal(componentVersion(program('trap "" TERM; for i in 1 2 3 4 5; do sleep 1; done'), 200), undefined);
    assert.ok(performance.now() - begun < 2000);
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { writePidFile } from './pid-file.ts';

describe('writePidFile', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pid-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('writes only the number and replaces an existing file', () => {
    for (const pid of [12345, 7]) writePidFile(join(directory, 'pid'), pid);
    assert.equal(readFileSync(join(directory, 'pid'), 'latin1'), '7');
    assert.deepEqual(readdirSync(directory), ['pid']);
  });

  it('throws an error that dockerd does not report as a missing command', () => {
    const path = join(directory, 'missing/pid');
    assert.throws(
      () => writePidFile(path, 7),
      (error) => errorMessage(error) === `pid file ${path} cannot be written (ENOENT)`,
    );
  });
});

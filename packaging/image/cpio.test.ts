import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioArchive } from './cpio.ts';

describe('cpioArchive', () => {
  it('can be unpacked by cpio(1)', () => {
    const root = mkdtempSync(join(tmpdir(), 'cpio-'));
    const input = cpioArchive(
      [
        { path: 'd', mode: 0o40755, data: Buffer.alloc(0) },
        { path: 'd/file', mode: 0o100644, data: Buffer.from('hello') },
        { path: 'link', mode: 0o120777, data: Buffer.from('d/file') },
      ],
      1,
    );
    execFileSync('cpio', ['-i', '--quiet', '-H', 'newc'], { cwd: root, input });
    assert.equal(readFileSync(join(root, 'd/file'), 'utf8'), 'hello');
    assert.equal(readlinkSync(join(root, 'link')), 'd/file');
    rmSync(root, { recursive: true });
  });
});

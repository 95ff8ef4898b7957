import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStage } from './check-stage.ts';

describe('checkStage', () => {
  let tree: string;
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'kata-stage-'));
    mkdirSync(join(tree, 'usr/share/defaults/kata-containers'), { recursive: true });
  });
  afterEach(() => rmSync(tree, { recursive: true }));
  const configure = (path: string): void =>
    writeFileSync(join(tree, 'usr/share/defaults/kata-containers/configuration.toml'), `kernel = "${path}"\n`);

  it('accepts a tree with the paths of an installation', () => {
    configure('/usr/share/kata-containers/vmlinuz.container');
    checkStage(tree);
  });

  it('refuses a tree whose configuration names files below it', () => {
    configure(`${tree}/usr/share/kata-containers/vmlinuz.container`);
    assert.throws(() => checkStage(tree), /works only in its place/);
  });
});

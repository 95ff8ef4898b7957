import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readVersions, rpmVersion } from './versions.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('versions of packages', () => {
  let stage: string;
  beforeEach(() => {
    stage = mkdtempSync(join(tmpdir(), 'kata-versions-'));
    mkdirSync(join(stage, 'usr/share/kata-containers'), { recursive: true });
  });
  afterEach(() => rmSync(stage, { recursive: true }));
  const kernel = (version: string): void => writeFileSync(join(stage, `usr/share/kata-containers/vmlinuz-${version}.container`), '');

  it('have no dash', () => assert.equal(rpmVersion('1.13.0-ts.1'), '1.13.0+ts.1'));
  it('the kernel has that of its file', () => {
    kernel('6.1.192-1');
    const { kata, kernel: found } = readVersions(repository, stage);
    assert.equal(found, '6.1.192.1');
    assert.match(kata, /^\d+\.\d+\.\d+/);
  });
  it('two kernels are refused', () => {
    for (const version of ['6.1.192-1', '6.1.193-1']) kernel(version);
    assert.throws(() => readVersions(repository, stage), /must have one kernel, not 2/);
  });
  it('no kernel is refused', () => assert.throws(() => readVersions(repository, stage), /not 0/));
});

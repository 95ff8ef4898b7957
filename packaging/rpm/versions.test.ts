import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readVersions, rpmVersion } from './versions.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('versions of packages', () => {
  let stage: string;
  const qemu = (output: string): void => {
    const path = join(stage, 'usr/bin/qemu-lite-system-x86_64');
    writeFileSync(path, `#!/bin/sh\necho '${output}'\n`);
    chmodSync(path, 0o755);
  };
  beforeEach(() => {
    stage = mkdtempSync(join(tmpdir(), 'kata-versions-'));
    for (const name of ['bin', 'share/kata-containers']) mkdirSync(join(stage, 'usr', name), { recursive: true });
    qemu('QEMU emulator version 7.2.22 (Debian 1:7.2, qemu-lite)');
  });
  afterEach(() => rmSync(stage, { recursive: true }));
  const kernel = (version: string): void => writeFileSync(join(stage, `usr/share/kata-containers/vmlinuz-${version}.container`), '');

  it('have no dash', () => assert.equal(rpmVersion('1.13.0-ts.1'), '1.13.0+ts.1'));
  it('the kernel has the version in the name of its file', () => {
    kernel('6.1.192-1');
    const { kata, kernel: found } = readVersions(repository, stage);
    assert.equal(found, '6.1.192.1');
    assert.match(kata, /^\d+\.\d+\.\d+/);
  });
  it('QEMU has the version that it prints', () => {
    kernel('6.1.192-1');
    assert.equal(readVersions(repository, stage).qemu, '7.2.22');
    qemu('no version');
    assert.throws(() => readVersions(repository, stage), /prints no version/);
  });
  it('two kernels are refused', () => {
    for (const version of ['6.1.192-1', '6.1.193-1']) kernel(version);
    assert.throws(() => readVersions(repository, stage), /must have one kernel, not 2/);
  });
  it('no kernel is refused', () => assert.throws(() => readVersions(repository, stage), /not 0/));
});

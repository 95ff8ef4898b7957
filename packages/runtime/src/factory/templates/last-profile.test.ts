import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepLastProfile, profileFile, readLastProfile } from './last-profile.ts';

describe('the last seccomp profile', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'profile-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] };

  it('is saved, read and replaced', () => {
    assert.equal(readLastProfile(directory), undefined);
    for (const next of [profile, { defaultAction: 'SCMP_ACT_ALLOW' }]) {
      keepLastProfile(directory, next);
      assert.deepEqual(readLastProfile(directory), next);
    }
    assert.deepEqual(readdirSync(directory), ['seccomp.json']);
  });

  it('is not written again if it has not changed', () => {
    keepLastProfile(directory, profile);
    const { ino } = statSync(profileFile(directory));
    keepLastProfile(directory, { ...profile });
    assert.equal(statSync(profileFile(directory)).ino, ino);
  });

  it('is not saved without templates or if it is too long', () => {
    keepLastProfile(join(directory, 'none'), profile);
    keepLastProfile(directory, { defaultAction: 'x'.repeat(1 << 20) });
    assert.deepEqual(readdirSync(directory), []);
  });

  for (const [name, text] of [
    ['damaged', '{ "defaultAction"'],
    ['too long', ' '.repeat((1 << 20) + 1)],
  ] as const)
    it(`is ignored when its file is ${name}`, () => {
      writeFileSync(profileFile(directory), text);
      assert.equal(readLastProfile(directory), undefined);
    });
});

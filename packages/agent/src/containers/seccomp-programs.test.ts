import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spec } from '@kata-containers/common/oci/spec';
import { SeccompPrograms } from './seccomp-programs.ts';

const ANNOTATION = 'run.oci.seccomp_bpf_data';
const withProfile = (name: string, annotations?: Record<string, string>): Spec => ({
  ociVersion: '1.0.2',
  ...(annotations && { annotations }),
  linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [name], action: 'SCMP_ACT_ERRNO' }] } },
});

describe('compiled seccomp profiles', () => {
  let directory = '';
  let programs: SeccompPrograms;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-seccomp-'));
    programs = new SeccompPrograms(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function compiled(id: string, program: string | Buffer): string {
    mkdirSync(join(directory, id), { recursive: true });
    writeFileSync(join(directory, id, 'seccomp.bpf'), program);
    return id;
  }
  const programOf = (spec: Spec): string | undefined => programs.apply(spec).annotations?.[ANNOTATION];

  it('are given to the next container with the same profile', () => {
    assert.equal(programOf(withProfile('chmod')), undefined);
    programs.remember(withProfile('chmod'), compiled('a', 'eight by'));
    assert.equal(programOf(withProfile('chmod')), Buffer.from('eight by').toString('base64'));
    assert.deepEqual(programs.apply(withProfile('chmod', { x: 'y' })).annotations, { x: 'y', [ANNOTATION]: 'ZWlnaHQgYnk=' });
  });

  it('are not used for another profile or without a profile', () => {
    programs.remember(withProfile('chmod'), compiled('a', 'eight by'));
    assert.equal(programOf(withProfile('chown')), undefined);
    assert.equal(programOf({ ociVersion: '1.0.2', linux: {} }), undefined);
    const spec = withProfile('chown');
    assert.equal(programs.apply(spec), spec);
  });

  it("do not replace a user's program, which is not kept as the profile's program", () => {
    const own = withProfile('chmod', { [ANNOTATION]: 'b3du' });
    programs.remember(own, compiled('a', 'own'));
    assert.equal(programOf(withProfile('chmod')), undefined);
    programs.remember(withProfile('chmod'), compiled('b', 'eight by'));
    assert.equal(programOf(own), 'b3du');
  });

  for (const [what, program] of [
    ['an empty file', ''],
    ['more than the kernel loads', Buffer.alloc(4096 * 8 + 8)],
  ] as const)
    it(`is not ${what}`, () => {
      programs.remember(withProfile('chmod'), compiled('a', program));
      assert.equal(programOf(withProfile('chmod')), undefined);
    });

  it('may have no file', () => {
    programs.remember(withProfile('chmod'), 'missing');
    assert.equal(programOf(withProfile('chmod')), undefined);
  });

  it('are limited to the eight newest', () => {
    for (let n = 0; n < 9; n++) programs.remember(withProfile(`call${n}`), compiled('a', `program${n}`));
    assert.equal(programOf(withProfile('call0')), undefined);
    assert.equal(programOf(withProfile('call8')), Buffer.from('program8').toString('base64'));
    assert.equal(programOf(withProfile('call1')), Buffer.from('program1').toString('base64'));
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** With arguments that stage nothing. */
const stage = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, ['--no-warnings', join(import.meta.dirname, '../tools/stage.ts'), ...args], { encoding: 'utf8' });

describe('npm run stage', () => {
  it('prints its options', () => {
    const { status, stdout, stderr } = stage('--help');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: npm run stage -- \[OPTIONS\] DIR\n/);
  });

  for (const [args, problem] of [
    [[], 'DIR is missing'],
    [['a', 'b'], 'more than one DIR'],
  ] as const)
    it(`prints its options for wrong arguments: ${problem}`, () => {
      const { status, stdout, stderr } = stage(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.ok(stderr.startsWith(`stage: ${problem}\n\nUsage: `), stderr);
    });
});

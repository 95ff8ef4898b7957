import assert from 'node:assert/strict';
import { run } from './run.ts';

describe('run', () => {
  it('returns the exit code and the output of a program', async () => {
    const { code, stdout, stderr } = await run('sh', ['-c', 'cat; echo error >&2; exit 3'], { input: 'text' });
    assert.deepEqual({ code, stdout, stderr }, { code: 3, stdout: 'text', stderr: 'error\n' });
  });

  const failures: readonly (readonly [string, string, readonly string[], RegExp])[] = [
    [
      'that does not end',
      'sh',
      ['-c', 'echo error >&2; exec sleep 1000'],
      /^error\nsh -c echo .* sleep 1000 did not end within 0.2 s and was killed\n$/,
    ],
    ['that is killed', 'sh', ['-c', 'kill -9 $$'], /^sh -c kill .* was killed by SIGKILL\n$/],
    ['that does not exist', '/nonexistent', [], /^spawn \/nonexistent ENOENT\n$/],
  ];
  for (const [name, program, args, message] of failures)
    it(`names the command ${name}`, async () => {
      const { stderr } = await run(program, args, { timeoutMs: 200 });
      assert.match(stderr, message);
    });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { outputOf } from './output-of.ts';

describe('outputOf', () => {
  const shell = (script: string, timeoutMs = 10_000, input = ''): Promise<string> =>
    outputOf(spawn('sh', ['-c', script], { stdio: 'pipe' }), { input, timeoutMs });

  it('passes the input to the program and returns stdout', async () => assert.equal(await shell('cat', 10_000, 'in'), 'in'));
  it('accepts a program that does not read its input', async () =>
    assert.equal(await shell('echo out', 10_000, 'x'.repeat(1 << 20)), 'out\n'));
  it('reports the stderr of a failed program', () =>
    assert.rejects(shell('echo why >&2; exit 3'), { message: 'sh -c echo why >&2; exit 3: why' }));
  it("omits the kernel's phrases for errors", () =>
    assert.rejects(shell('echo x: No such file or directory >&2; exit 3'), { message: /: x: ENOENT$/ }));
  it('reports the exit code of a failed program without stderr', () =>
    assert.rejects(shell('exit 3'), { message: 'sh -c exit 3: exit code 3' }));
  it('reports the signal that killed a program', () => assert.rejects(shell('kill -9 $$'), { message: 'sh -c kill -9 $$: SIGKILL' }));
  it('reports a program that cannot be started', () =>
    assert.rejects(outputOf(spawn('/nonexistent/program', { stdio: 'pipe' }), { timeoutMs: 10_000 }), {
      message: '/nonexistent/program cannot be run: is it installed?',
    }));

  it('kills a program at the timeout and does not wait for its children', async () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; sleep 4 & wait'], { stdio: 'pipe' });
    const begun = performance.now();
    await assert.rejects(outputOf(child, { timeoutMs: 200 }), {
      name: 'TimeoutError',
      message: 'timed out after 0.2 s waiting for sh -c trap "" TERM; sleep 4 & wait',
    });
    assert.ok(performance.now() - begun < 2000);
    assert.ok(child.killed);
  });
});

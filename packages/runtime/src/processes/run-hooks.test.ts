import assert from 'node:assert/strict';
import { runHooks } from './run-hooks.ts';

const state = { ociVersion: '1.0.2', id: 'x', status: 'creating', pid: 1, bundle: '/b' };
const shell = (script: string, timeout?: number) => [
  { path: '/bin/sh', args: ['sh', '-c', script], ...(timeout !== undefined && { timeout }) },
];

describe('runHooks', () => {
  it('a hook gets the state on its standard input', () => runHooks(shell('grep -q \'"id":"x"\''), state));

  it('what a hook that fails has said is in the error', () =>
    assert.rejects(runHooks(shell('echo out; echo why >&2; exit 3'), state), {
      message: 'hook /bin/sh: exit code 3: stdout: out, stderr: why',
    }));

  it('a hook that takes too long is ended, and what it has started is not waited for', async () => {
    const begun = performance.now();
    await assert.rejects(runHooks(shell('sleep 4 & wait', 1), state), /: Hook timeout: /);
    assert.ok(performance.now() - begun < 3000);
  });

  it('a timeout of months is one', () => runHooks(shell('sleep 0.1', 10_000_000), state));
});

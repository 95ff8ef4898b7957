import assert from 'node:assert/strict';
import { runHooks } from './run-hooks.ts';

const state = { ociVersion: '1.0.2', id: 'x', status: 'creating', pid: 1, bundle: '/b' };
const shell = (script: string, timeout?: number) => [
  { path: '/bin/sh', args: ['sh', '-c', script], ...(timeout !== undefined && { timeout }) },
];

describe('runHooks', () => {
  it('passes the state on standard input', () => runHooks(shell('grep -q \'"id":"x"\''), state));

  it('includes the output of a failed hook in the error', () =>
    assert.rejects(runHooks(shell('echo out; echo why >&2; exit 3'), state), {
      message: 'hook /bin/sh: exit code 3: stdout: out, stderr: why',
    }));

  it('kills a hook at its timeout and does not wait for its children', async () => {
    const begun = performance.now();
    await assert.rejects(runHooks(shell('sleep 4 & wait', 1), state), /: Hook timeout: /);
    assert.ok(performance.now() - begun < 3000);
  });

  it('accepts a timeout of months', () => runHooks(shell('sleep 0.1', 10_000_000), state));
});

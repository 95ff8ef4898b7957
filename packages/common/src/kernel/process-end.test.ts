import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linuxKernel } from './linux-kernel.ts';
import { processEnd } from './process-end.ts';

describe('processEnd', () => {
  const start = (): { kill: () => Promise<unknown>; pidfd: number } => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    return { pidfd: linuxKernel.openPidfd(child.pid ?? -1), kill: () => (child.kill('SIGKILL'), exited) };
  };

  it('resolves when the process ends, not before', async () => {
    const { pidfd, kill } = start();
    let hasEnded = false;
    const { ended } = processEnd(pidfd);
    void ended.then(() => (hasEnded = true));
    await new Promise(setImmediate);
    assert.equal(hasEnded, false);
    await kill();
    await ended;
  });

  it('resolves for a process that has already ended', async () => {
    const { pidfd, kill } = start();
    await kill();
    await processEnd(pidfd).ended;
  });

  it('does not resolve after it is closed', async () => {
    const { pidfd, kill } = start();
    let hasEnded = false;
    const { ended, close } = processEnd(pidfd);
    void ended.then(() => (hasEnded = true));
    close();
    await kill();
    await new Promise(setImmediate);
    assert.equal(hasEnded, false);
  });
});

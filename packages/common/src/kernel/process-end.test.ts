import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { linuxKernel } from './linux-kernel.ts';
import { processEnd } from './process-end.ts';

describe('exitStatus', () => {
  /** A process that is not a child of this one ends in the same way; a child's parent surely waits for it. */
  async function statusOf(script: string): Promise<ReturnType<typeof linuxKernel.exitStatus>> {
    const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
    const exited = once(child, 'exit');
    const pidfd = linuxKernel.openPidfd(child.pid ?? -1);
    try {
      assert.equal(linuxKernel.exitStatus(pidfd), 'pending');
      child.stdin.end('\n');
      await exited;
      return linuxKernel.exitStatus(pidfd);
    } finally {
      closeSync(pidfd);
    }
  }

  it('is that of wait(2)', async () => {
    assert.equal(await statusOf('read line; exit 7'), 7 << 8);
    assert.equal(await statusOf('read line; kill -9 $$'), 9);
  });

  it('is unknown when the kernel does not support it', () => {
    const file = openSync('/dev/null', 'r');
    try {
      assert.equal(linuxKernel.exitStatus(file), 'unknown');
    } finally {
      closeSync(file);
    }
  });
});

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

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { identifyProcess, isAlive, signalProcess } from './process-identity.ts';

describe('process identity', () => {
  it('identifies this process', () => {
    const self = identifyProcess(process.pid);
    assert.ok(self && isAlive(self));
  });

  it('distinguishes a process from another one with the same pid', () => {
    assert.equal(isAlive({ pid: process.pid, startTime: '1' }), false);
    assert.equal(signalProcess({ pid: process.pid, startTime: '1' }, 'SIGTERM'), false);
  });

  it('sees the end of a process', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const identity = identifyProcess(child.pid ?? -1);
    assert.ok(identity);
    assert.equal(signalProcess(identity, 'SIGKILL'), true);
    await once(child, 'exit');
    assert.equal(isAlive(identity), false);
    assert.equal(signalProcess(identity, 'SIGKILL'), false);
  });
});

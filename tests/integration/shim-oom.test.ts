/** kata-shim lets the runtime's helper report an OOM kill; the test plays agent and helper. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { FakeAgent } from './fake-agent.ts';
import { startShimHelper } from '../../packages/runtime/src/processes/shim-helper.ts';
import type { ShimHelper } from '../../packages/runtime/src/processes/shim-helper.ts';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { Component, SHIM, Scratch } from '../support/process.ts';

const EXITED = { code: 137, signal: null };

describe('kata-shim after an OOM kill', function () {
  this.timeout(20_000);
  let scratch: Scratch;
  let agent: FakeAgent | undefined;

  beforeEach(() => (scratch = new Scratch()));
  afterEach(() => {
    agent?.stop();
    agent = undefined;
    scratch.remove();
  });

  const helperOf = (script: string): ShimHelper =>
    startShimHelper({ oom: ['sh', '-c', script] }, { PATH: process.env['PATH'] }, linuxKernel);

  async function start(helper: ShimHelper | undefined, isOomKilled = true): Promise<Component> {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { exit: () => Promise.resolve(137), isOomKilled });
    const args = ['-agent', `unix://${scratch.file('agent.sock')}`, '-container', 'box', '-exec-id', 'box'];
    const duties = helper && { KATA_SHIM_DUTIES: JSON.stringify({ helper: 3, requests: helper.requests }) };
    const shim = new Component(SHIM, args, duties, helper && [helper.socket]);
    if (helper) closeSync(helper.socket);
    return shim;
  }

  it('the shim exits after the report is complete', async () => {
    const file = scratch.file('report');
    const shim = await start(helperOf(`sleep 0.3; echo reported >${file}`));
    assert.deepEqual(await shim.exited, EXITED);
    assert.equal(readFileSync(file, 'utf8'), 'reported\n');
  });

  for (const [name, script] of [
    ['fails', 'exit 1'],
    ['kills the helper', 'kill -9 $PPID'],
    ['does not end', 'sleep 1000 & echo $! >PIDS; wait'],
  ] as const)
    it(`the exit code is kept when the report ${name}`, async () => {
      const pids = scratch.file('pids');
      const shim = await start(helperOf(script.replace('PIDS', pids)));
      assert.deepEqual(await shim.exited, EXITED);
      if (existsSync(pids)) process.kill(Number(readFileSync(pids, 'utf8')));
    });

  it('another kill is not reported', async () => {
    const file = scratch.file('report');
    const shim = await start(helperOf(`echo reported >${file}`), false);
    assert.deepEqual(await shim.exited, EXITED);
    assert.ok(!existsSync(file));
  });

  it("a shim without a helper exits with the process's exit code", async () => {
    const shim = await start(undefined);
    assert.deepEqual(await shim.exited, EXITED);
  });
});

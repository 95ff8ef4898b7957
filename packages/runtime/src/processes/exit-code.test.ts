import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { awaitExitCode } from './exit-code.ts';

describe('awaitExitCode', () => {
  const cases: [script: string, code: number][] = [
    ['exit 7', 7],
    ['kill -TERM $$', 143],
  ];
  for (const [script, code] of cases) {
    it(`of a child that runs: ${script}`, async () => assert.equal(await awaitExitCode(spawn('sh', ['-c', script])), code));
    it(`of a child that has ended: ${script}`, async () => {
      const child = spawn('sh', ['-c', script]);
      await once(child, 'exit');
      assert.equal(await awaitExitCode(child), code);
    });
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { startShimHelper } from './shim-helper.ts';

describe('startShimHelper', () => {
  it('runs the command of each request, answers with its exit code, refuses other lines, and ends with its input', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'helper-'));
    const file = join(directory, 'runs');
    const command = (code: number): string[] => ['sh', '-c', `echo "$@" >>${file}; exit ${code}`, 'sh', `a'b "c`, '$(id)'];
    const commands = { network: command(0), oom: command(3) };
    const { started, socket, requests } = startShimHelper(commands, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    try {
      const answers = ['network', 'oom', '$(touch /tmp/x); exit 9', 'network; oom', '*', ''].map((line) => {
        writeSync(socket, `${line}\n`);
        const answer = Buffer.alloc(16);
        return answer.toString('utf8', 0, readSync(socket, answer)); // blocks until the helper has answered
      });
      assert.deepEqual(answers, ['0\n', '3\n', '2\n', '2\n', '2\n', '2\n']);
      assert.equal(readFileSync(file, 'utf8'), `a'b "c $(id)\n`.repeat(2));
      assert.deepEqual(requests, ['network', 'oom']);
    } finally {
      closeSync(socket);
    }
    assert.deepEqual(await exited, [0, null]);
    rmSync(directory, { recursive: true });
  });
});

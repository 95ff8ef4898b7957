import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { startNetworkHelper } from './network-helper.ts';

describe('startNetworkHelper', () => {
  it('runs the command once for each line, whatever the line is, answers with its exit code, and ends with its input', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'helper-'));
    const file = join(directory, 'runs');
    const command = ['sh', '-c', `echo "$@" >>${file}; [ $(wc -l <${file}) = 1 ] || exit 3`, 'sh', 'a b', '$(id)'];
    const { started, socket } = startNetworkHelper(command, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    try {
      const answers = ['\n', '$(touch /tmp/x); exit 9\n'].map((line) => {
        writeSync(socket, line);
        const answer = Buffer.alloc(16);
        return answer.toString('utf8', 0, readSync(socket, answer)); // blocks until the helper has answered
      });
      assert.deepEqual(answers, ['0\n', '3\n']);
      assert.equal(readFileSync(file, 'utf8'), 'a b $(id)\na b $(id)\n');
    } finally {
      closeSync(socket);
    }
    assert.deepEqual(await exited, [0, null]);
    rmSync(directory, { recursive: true });
  });
});

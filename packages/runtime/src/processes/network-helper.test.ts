import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import { startNetworkHelper } from './network-helper.ts';

describe('startNetworkHelper', () => {
  it('runs the command once for each line, whatever the line is, answers with its exit code, and ends with its input', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'helper-'));
    const file = join(directory, 'runs');
    const command = ['sh', '-c', `echo "$@" >>${file}; [ $(wc -l <${file}) = 1 ] || exit 3`, 'sh', 'a b', '$(id)'];
    const { started, socket } = startNetworkHelper(command, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    const stream = openPollableStream(socket);
    try {
      const answers: string[] = [];
      for (const line of ['\n', '$(touch /tmp/x); exit 9\n']) {
        stream.write(line);
        const [answer] = (await once(stream, 'data')) as [Buffer];
        answers.push(answer.toString());
      }
      assert.deepEqual(answers, ['0\n', '3\n']);
      assert.equal(readFileSync(file, 'utf8'), 'a b $(id)\na b $(id)\n');
    } finally {
      stream.destroy();
    }
    assert.deepEqual(await exited, [0, null]);
    rmSync(directory, { recursive: true });
  });
});

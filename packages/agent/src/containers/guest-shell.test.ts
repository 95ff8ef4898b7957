import assert from 'node:assert/strict';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { Process } from '@kata-containers/common/generated/oci';
import { createLogger } from '@kata-containers/common/logging/logger';
import { Reaper } from '../processes/reaper.ts';
import { GuestShell } from './guest-shell.ts';

const log = createLogger({ format: 'text', level: 'error', write: () => {}, precision: 'seconds', fields: {} });
const nobody = { onCancelled: () => {} };

describe('processes outside the containers', function () {
  this.timeout(10_000);
  const shell = new GuestShell({ kernel: linuxKernel, reaper: new Reaper(linuxKernel, {}), log });
  let count = 0;

  async function start(script: string, more: object = {}): Promise<string> {
    const id = `e${count++}`;
    const Env = [`PATH=${process.env['PATH'] ?? ''}`, 'A=b=c'];
    await shell.exec(id, Process.fromPartial({ Args: ['sh', '-c', script], Env, Cwd: '/', NullStdin: true, ...more }));
    return id;
  }
  async function output(id: string, which: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    let text = '';
    for (;;) {
      const data = await shell.process(id).io.read(which, 65536);
      if (data === undefined) return text;
      text += data.toString();
    }
  }

  it('have an environment, a directory, both output streams and an exit code', async () => {
    const id = await start('echo $A; pwd; echo err >&2; exit 3');
    assert.deepEqual([await output(id), await output(id, 'stderr')], ['b=c\n/\n', 'err\n']);
    assert.equal((await shell.wait(id, nobody)).code, 3);
    assert.throws(() => shell.process(id), /not found/);
  });

  it('have a terminal with a size', async () => {
    const id = await start('read line; tty; stty size', { Terminal: true });
    shell.process(id).io.resize(30, 100);
    await shell.process(id).io.write(Buffer.from('go\n'));
    assert.match(await output(id), /^go\r\n\/dev\/pts\/\d+\r\n30 100\r\n$/);
    assert.equal((await shell.wait(id, nobody)).code, 0);
  });

  it('end after a signal', async () => {
    const id = await start('exec sleep 1000');
    shell.signal(id, 15);
    assert.deepEqual([await output(id), (await shell.wait(id, nobody)).code], ['', 143]);
  });

  it('exit with a code if the program for a terminal does not exist', async () => {
    const id = await start('', { Args: ['/nonexistent'], Terminal: true });
    assert.match(await output(id), /nonexistent/);
    assert.equal((await shell.wait(id, nobody)).code, 127);
  });
});

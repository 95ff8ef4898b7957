import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { startShimHelper } from './shim-helper.ts';

/** The next bytes of `socket`; blocks until there are some. */
function read(socket: number): string {
  const bytes = Buffer.alloc(64);
  return bytes.toString('utf8', 0, readSync(socket, bytes));
}

describe('startShimHelper', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'helper-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('runs the command of each request, answers with its exit code, refuses other lines, and ends with its input', async () => {
    const file = join(directory, 'runs');
    const command = (code: number): string[] => ['sh', '-c', `echo "$@" >>${file}; exit ${code}`, 'sh', `a'b "c`, '$(id)'];
    const commands = { network: command(0), oom: command(3) };
    const { started, socket, requests } = startShimHelper(commands, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    try {
      const answers = ['network', 'oom', '$(touch /tmp/x); exit 9', 'network; oom', '*', ''].map((line) => {
        writeSync(socket, `${line}\n`);
        return read(socket);
      });
      assert.deepEqual(answers, ['0\n', '3\n', '2\n', '2\n', '2\n', '2\n']);
      assert.equal(readFileSync(file, 'utf8'), `a'b "c $(id)\n`.repeat(2));
      assert.deepEqual(requests, ['network', 'oom']);
    } finally {
      closeSync(socket);
    }
    assert.deepEqual(await exited, [0, null]);
  });

  it('limits the memory of the shell, because a line can have any length, but not of the commands', async () => {
    const file = join(directory, 'limit');
    const command = ['sh', '-c', `ulimit -v >${file}`];
    const { started, socket } = startShimHelper({ network: command }, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    try {
      writeSync(socket, 'named network\n');
      assert.equal(read(socket), 'network 0\n');
      assert.match(readFileSync(`/proc/${started.identity.pid}/limits`, 'utf8'), /^Max address space +67108864 /m);
      assert.equal(readFileSync(file, 'utf8'), execFileSync('sh', ['-c', 'ulimit -v'], { encoding: 'utf8' }));
    } finally {
      closeSync(socket);
    }
    assert.deepEqual(await exited, [0, null]);
  });

  it('runs one network command in the background, however many are requested, and reports an OOM kill meanwhile', async () => {
    const [lock, fifo] = [join(directory, 'lock'), join(directory, 'fifo')];
    execFileSync('mkfifo', [fifo]);
    const network = ['sh', '-c', `mkdir ${lock} || exit 9; cat ${fifo}; rmdir ${lock}; exit 4`];
    const { started, socket } = startShimHelper({ network, oom: ['sh', '-c', 'exit 3'] }, { PATH: process.env['PATH'] }, linuxKernel);
    const exited = once(started.child, 'exit');
    try {
      writeSync(socket, 'named network\nnamed oom\n');
      assert.equal(read(socket), 'oom 3\n');
      writeSync(socket, 'named network\nnamed network\n');
      for (let count = 0; count < 3; count++) {
        writeFileSync(fifo, ''); // the command opens the other end, and ends
        assert.equal(read(socket), 'network 4\n');
      }
    } finally {
      closeSync(socket);
    }
    assert.deepEqual(await exited, [0, null]);
  });
});

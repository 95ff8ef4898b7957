import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { Crun, lastMessage, runcErrorText } from './crun.ts';
import { Reaper } from '../processes/reaper.ts';

describe('runcWording', () => {
  const cases: [message: string, wording: string][] = [
    ['executable file `foo` not found in $PATH: No such file or directory', 'exec: "cmd": executable file not found in $PATH'],
    ['executable file `/nope` not found: No such file or directory', 'exec: "cmd": executable file not found in $PATH'],
    ['open executable: Permission denied', 'exec: "cmd": permission denied'],
    ['open executable: Operation not permitted', 'exec: "cmd": permission denied'],
    ['the path `/etc` is not a regular file: Operation not permitted', 'exec: "cmd": permission denied'],
    ['the path `/etc/passwd` exists but it is not executable: Operation not permitted', 'exec: "cmd": permission denied'],
    ['cannot open `/locked/cmd`: Permission denied', 'exec: "cmd": permission denied'],
    ['exec container process `/cmd`: Exec format error', 'exec: "cmd": exec format error'],
    ['exec container process (missing dynamic library?) `/cmd`: No such file or directory', 'exec: "cmd": no such file or directory'],
    ['exec cmd: Exec format error', 'exec: "cmd": exec format error'],
    ['cannot set memory limit: Permission denied', 'cannot set memory limit: Permission denied'],
  ];
  for (const [message, wording] of cases) it(message, () => assert.equal(runcErrorText(message, 'cmd'), wording));
});

describe('lastMessage', () => {
  it('returns the message of the last object', () => assert.equal(lastMessage('{"msg":"a"}\n{"msg":"b","level":"error"}\n'), 'b'));
  it('ignores other text', () => assert.equal(lastMessage('no json\n{"level":1}'), ''));
});

describe('Crun', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'crun-'));
  });
  afterEach(() => {
    process.removeListener('SIGCHLD', process.listeners('SIGCHLD').at(-1) as NodeJS.SignalsListener);
    rmSync(directory, { recursive: true });
  });

  /** A crun that executes `script`; the path of its log is its fourth argument. */
  function crunOf(script: string, timeoutMs?: number): Crun {
    writeFileSync(join(directory, 'crun'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, 'crun'), 0o755);
    const spawnProgram: typeof linuxKernel.spawnProgram = (program, start) => linuxKernel.spawnProgram(join(directory, program), start);
    const kernel = { ...linuxKernel, spawnProgram };
    const reaper = new Reaper(kernel, {});
    reaper.start();
    return new Crun(reaper, join(directory, 'root'), timeoutMs);
  }
  const run = (script: string, timeoutMs = 10_000): Promise<void> =>
    crunOf(script, timeoutMs)
      .run(['pause', 'c'])
      .finally(() => assert.deepEqual(readdirSync(directory), ['crun']));

  it('fails with the message of a failed crun', () =>
    assert.rejects(run(`echo '{"msg":"not there"}' >"$4"; exit 1`), { message: 'not there' }));
  it('fails with the exit code of a crun without a message', () =>
    assert.rejects(run('exit 3'), { message: 'crun pause failed (exit code 3)' }));
  it('kills crun at the timeout', async () => {
    const begun = performance.now();
    await assert.rejects(run('exec sleep 5', 200), { message: 'timed out after 0.2 s waiting for crun pause' });
    assert.ok(performance.now() - begun < 2000);
  });

  it('start: the process that waits at exec.fifo reads a byte, and the FIFO is removed', async () => {
    const crun = crunOf('exit 1');
    const fifo = join(directory, 'root/c/exec.fifo');
    mkdirSync(join(directory, 'root/c'), { recursive: true });
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await crun.start('c');
      assert.equal(readSync(reader, Buffer.alloc(2)), 1);
      assert.equal(existsSync(fifo), false);
    } finally {
      closeSync(reader);
    }
  });
  it('start: without a waiting process crun reports the error', async () => {
    const crun = crunOf(`echo '{"msg":"container is not running"}' >"$4"; exit 1`);
    await assert.rejects(crun.start('c'), { message: 'container is not running' });
    mkdirSync(join(directory, 'root/c'), { recursive: true });
    execFileSync('mkfifo', [join(directory, 'root/c/exec.fifo')]);
    await assert.rejects(crun.start('c'), { message: 'container is not running' });
  });
});

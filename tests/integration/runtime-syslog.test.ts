/** What kata-runtime sends to the syslog daemon. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

/**
 * Starts busybox' syslogd in a mount namespace that has /dev/log, because the socket would be the machine's. The daemon writes facility and
 * priority in words.
 */
const startDaemon = (layers: string, file: string): ChildProcess => {
  const steps = [
    `mount -t tmpfs layers ${layers}`,
    `mkdir ${layers}/upper ${layers}/work`,
    `mount -t overlay dev -o lowerdir=/dev,upperdir=${layers}/upper,workdir=${layers}/work /dev`,
    `exec busybox syslogd -n -O ${file}`,
  ];
  return spawn('unshare', ['-m', 'sh', '-c', steps.join(' && ')], { stdio: 'inherit' });
};

describe('syslog', function () {
  this.timeout(30_000);
  let rig: RuntimeRig;
  let daemon: ChildProcess;
  const lines = (): string[] =>
    readFileSync(rig.scratch.file('syslog'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('kata-runtime['));
  const inNamespace = (...command: string[]): ReturnType<typeof run> => run('nsenter', [`--mount=/proc/${daemon.pid}/ns/mnt`, ...command]);

  beforeEach(async () => {
    rig = new RuntimeRig();
    rig.prepare();
    mkdirSync(rig.scratch.file('layers'));
    daemon = startDaemon(rig.scratch.file('layers'), rig.scratch.file('syslog'));
    await until('syslogd starts', () => existsSync(`/proc/${daemon.pid}/root/dev/log`) && existsSync(rig.scratch.file('syslog')));
  });
  afterEach(async () => {
    const ended = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await ended;
    await rig.close();
  });

  const cases: [what: string, args: string[], text: string][] = [
    ['an option that does not exist', ['--nope', 'list'], 'unknown option --nope'],
    ['a command that does not exist', ['nope'], 'Invalid command \\"nope\\"'],
    ['a log file that cannot be written', ['--log', '/proc/none/log.json', 'state', 'a'], 'log file /proc/none/log.json cannot be written'],
    ['a format of the log that does not exist', ['--log-format', 'xml', 'list'], 'unknown log-format \\"xml\\"'],
    ['a bundle without config.json', ['create', '--bundle', '/proc/none', 'a'], 'Invalid bundle path'],
    ['a mistake in the configuration', ['kata-env'], 'enable_debug'],
    ['an error after the configuration was loaded', ['start', 'absent'], 'does not exist'],
  ];
  for (const [what, args, text] of cases)
    it(`receives, once and as an error: ${what}`, async () => {
      const broken = rig.scratch.file('broken.toml');
      writeFileSync(broken, '[runtime]\nenable_debug = 7\n');
      const configuration = what.endsWith('the configuration') ? broken : rig.scratch.file('c.toml');
      const { code, stderr } = await inNamespace(RUNTIME, '--kata-config', configuration, ...args);
      assert.equal(code, 1, stderr);
      // The daemon receives datagrams in their order.
      assert.equal((await inNamespace('busybox', 'logger', '-t', 'kata-runtime[last]', 'end')).code, 0);
      await until('the last line is received', () => lines().some((line) => line.includes('[last]')));
      const [line = '', ...others] = lines();
      assert.match(line, / user\.err kata-runtime\[\d+\]: time=\S+ level=error /);
      assert.ok(line.includes(text), line);
      assert.equal(others.length, 1, others.join('\n'));
    });

  it('receives nothing of a command that succeeds', async () => {
    const { code, stderr } = await inNamespace(RUNTIME, '--kata-config', rig.scratch.file('c.toml'), 'list');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((await inNamespace('busybox', 'logger', '-t', 'kata-runtime[last]', 'end')).code, 0);
    await until('the last line is received', () => lines().some((line) => line.includes('[last]')));
    assert.equal(lines().length, 1);
  });
});

/** The end of a detached process's shim reaches the process that inherits the shim, as containerd's shim and conmon do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { SHIM } from '../support/process.ts';
import { good, run } from '../support/run.ts';
import { RUNTIME, RuntimeRig, fake } from './runtime-rig.ts';

describe('the end of the shim of a detached process', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let collector: Server;

  /** The process ends at once in the guest. Each command continues for a second: it waits for the collector of its spans. */
  beforeEach(async () => {
    rig = new RuntimeRig();
    const socket = rig.scratch.file('collector.sock');
    collector = createServer((connection) => connection.on('error', () => {}).resume()).listen(socket);
    await once(collector, 'listening');
    rig.prepare({ refuses: 'readStdout', configuration: { 'runtime.enable_tracing': true, 'runtime.trace_endpoint': `unix://${socket}` } });
    writeFileSync(rig.scratch.file('calls.refuses'), 'readStderr'); // a stream ends by an error
  });
  afterEach(async () => {
    await rig.close();
    collector.close();
  });

  /** Replaces the fake shim, which runs until the container is deleted. */
  function useRealShim(): void {
    const configuration = rig.scratch.file('c.toml');
    const shim = join(import.meta.dirname, '../../packages', SHIM);
    writeFileSync(configuration, readFileSync(configuration, 'utf8').replaceAll(rig.scratch.file('kata-shim'), shim));
  }

  /** @returns the exit codes of the command and of its shim, which the caller of the command inherits */
  async function codesOf(verb: string, ...args: string[]): Promise<unknown> {
    const pidFile = rig.scratch.file('shim-pid');
    const command = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), verb, '--detach', '--pid-file', pidFile, ...args];
    const stdout = await good(run('sh', ['-c', `exec ${fake('engine.ts')} "$@"`, 'sh', pidFile, ...command]));
    return JSON.parse(stdout);
  }

  it('exec', async () => {
    assert.equal((await rig.create()).code, 0);
    await rig.kata('start', rig.id);
    useRealShim();
    assert.deepEqual(await codesOf('exec', rig.id, 'true'), [0, 0]);
  });

  it('run', async () => {
    useRealShim();
    assert.deepEqual(await codesOf('run', '--bundle', rig.scratch.file('bundle'), rig.id), [0, 0]);
  });
});

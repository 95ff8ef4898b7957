/**
 * The sixteen mixtures of our programs and those of Kata Containers 1.x. By hand: KATA_GO_DIR names a directory with kata-runtime,
 * kata-proxy, kata-shim and kata-agent of 1.x (docs/compatibility.md). KATA_GO_EXEC=no omits exec with 1.x's agent.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxRootfs } from '../support/busybox-image.ts';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { mixtures, nameOf, prepareRuntimes, startSyslog } from './mixtures.ts';
import type { Mixture } from './mixtures.ts';

describe('combinations with programs of Kata Containers 1.x', function () {
  this.timeout(300_000);
  let directory = '';
  let syslog: Server;
  let runtimeOf: (mixture: Mixture) => string;
  const file = (name: string): string => join(directory, name);

  before(async function () {
    assert.deepEqual(leftovers(), []);
    directory = mkdtempSync(join(tmpdir(), 'kata-mix-'));
    runtimeOf = await prepareRuntimes(directory);
    mkdirSync(file('bundle/rootfs'), { recursive: true });
    await busyboxRootfs(directory, file('busybox.tar'));
    syslog = await startSyslog();
    assert.equal((await run('tar', ['-C', file('bundle/rootfs'), '-xf', file('busybox.tar')])).code, 0);
    writeFileSync(file('bundle/rootfs/bin/nine'), '#!/bin/sh\nexit 9\n', { mode: 0o755 }); // 1.x parses options after the id as its own
    writeSpec();
  });
  after(() => {
    syslog.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  /** Echoes its standard input, and exits with 7 on SIGUSR1. */
  const script = `trap 'exit 7' USR1; cat; echo done >&2; while :; do sleep 0.1; done`;

  function writeSpec(): void {
    const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
    const spec = {
      ociVersion: '1.0.1',
      process: { args: ['sh', '-c', script], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, capabilities: {} },
      root: { path: 'rootfs' },
      hostname: 'mixed',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] }, // the share has nodev
      ],
      linux: { namespaces, resources: {} },
    };
    writeFileSync(file('bundle/config.json'), JSON.stringify(spec));
  }

  async function tryMixture(mixture: Mixture, id: string): Promise<void> {
    const runtime = runtimeOf(mixture);
    const kata = (...args: string[]): Promise<Outcome> => run(runtime, args);
    const [input, output, errors] = [randomBytes(3 << 20), file('out'), file('err')];
    writeFileSync(file('in'), input);
    const fds = [openSync(file('in'), 'r'), openSync(output, 'w'), openSync(errors, 'w')];
    const container = spawn(runtime, ['run', '--bundle', file('bundle'), id], { stdio: fds });
    for (const fd of fds) closeSync(fd);
    const exited = once(container, 'exit');
    try {
      const isDone = (): boolean => readFileSync(errors, 'utf8') !== '' && statSync(output).size === input.length;
      await until('the container has echoed its input', () => isDone() || container.exitCode !== null, 120_000);
      assert.equal(readFileSync(errors, 'utf8'), 'done\n');
      assert.ok(readFileSync(output).equals(input), 'output is input');
      assert.match(await good(kata('state', id)), /"status": "running"/);
      assert.match(await good(kata('ps', id)), /sleep|trap/);
      if (mixture.agent === 'ours' || process.env['KATA_GO_EXEC'] !== 'no') assert.equal((await kata('exec', id, 'nine')).code, 9);
      await good(kata('kill', id, 'USR1'));
      assert.deepEqual(await exited, [7, null]);
      assert.notEqual((await kata('state', id)).code, 0, 'run has deleted it');
    } finally {
      container.kill('SIGKILL');
      await kata('delete', '--force', id);
    }
  }

  mixtures.forEach((mixture, index) => it(nameOf(mixture), () => tryMixture(mixture, `mix-${process.pid}-${index}`)));
});

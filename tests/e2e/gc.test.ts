/** `kata-gc` after all processes of an engine and of its sandboxes were killed, while a container of another engine continues to run. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { hasEnded, otherPids } from '../support/proc-files.ts';
import { good, run } from '../support/run.ts';
import { removeTemplates } from '../support/templates.ts';
import { until } from '../support/until.ts';
import { kataRuntime } from '../support/staged.ts';

const runtimes = { 'kata-runtime': kataRuntime };

function mountNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // the process has ended
  }
}

/** All processes in the mount namespace of a process: the engine, its helpers, proxies and shims. */
function processesBeside(pid: number): number[] {
  const namespace = mountNamespace(pid);
  return otherPids().filter((other) => mountNamespace(other) === namespace);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error; // containerd ends with dockerd
  }
}

/** Stops all processes before it kills them: a stopped process cannot react to the end of another (a shim would report an OOM kill). */
function killAll(pids: readonly number[]): void {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  for (const pid of pids) signal(pid, 'SIGKILL');
}

describe('kata-gc', function () {
  this.timeout(180_000);
  let kept: Engine;
  let doomed: Engine;
  /** Keeps the mount namespace of the killed engine, as the mount namespace of a host outlives an engine. */
  let holder: ChildProcess;
  before(async () => {
    kept = await Engine.start(runtimes, 'kata-runtime');
    doomed = await Engine.start(runtimes, 'kata-runtime');
    await removeTemplates(doomed.pid); // kata-gc would remove outdated templates of other tests
    holder = spawn('nsenter', [`--mount=/proc/${doomed.pid}/ns/mnt`, 'sleep', '1000'], { stdio: 'ignore' });
    await until('the namespace is held', () => mountNamespace(holder.pid ?? 0) === mountNamespace(doomed.pid));
  });
  after(async () => {
    await kept.stop();
    holder.kill('SIGKILL');
    if (!hasEnded(doomed.pid)) await doomed.stop(); // the test has failed before the kill
    rmSync(doomed.directory, { recursive: true, force: true });
    assert.deepEqual(leftovers(), []);
  });

  const gc = (...args: string[]): Promise<string> =>
    good(run('nsenter', [`--mount=/proc/${holder.pid}/ns/mnt`, kataRuntime, 'kata-gc', ...args]));

  it('removes all objects of killed sandboxes, and no object of a running sandbox', async () => {
    await good(kept.docker(['run', '-d', '--name', 'kept', 'busybox', 'sleep', '10000']));
    const before = leftovers();
    const volume = join(doomed.directory, 'volume');
    mkdirSync(volume);
    writeFileSync(join(volume, 'file'), 'data');
    const id = (await good(doomed.docker(['run', '-d', '-v', `${volume}:/v`, 'busybox', 'sleep', '10000']))).trim();
    assert.equal(await gc(), 'nothing is left behind\n');

    const qemu = Number(readFileSync(`/run/vc/vm/${id}/pid`, 'latin1'));
    const victims = [...processesBeside(doomed.pid).filter((pid) => pid !== holder.pid), qemu];
    killAll(victims);
    await until('all have ended', () => victims.every(hasEnded));

    const line = `remove sandbox ${id}: QEMU (pid ${qemu}) has ended\n`;
    assert.equal(await gc('--dry-run'), `would ${line}`);
    assert.equal(await gc(), line.replace('remove', 'removed'));
    assert.deepEqual(leftovers().sort(), before.sort());
    assert.equal(readFileSync(join(volume, 'file'), 'latin1'), 'data');
    assert.equal(await good(kept.docker(['exec', 'kept', 'echo', 'runs'])), 'runs\n');
    assert.equal(await gc(), 'nothing is left behind\n');
  });
});

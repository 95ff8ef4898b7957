/** A panic of the guest's kernel, and a killed QEMU: the containers end, the log has the reason, and nothing is left behind. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { release } from 'node:os';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';

/** Time for the kernel's panic=1 and QEMU's -no-reboot, with an emulated guest on a busy machine. */
const END_MS = 20_000;

const [major = 0, minor = 0] = release().split('.').map(Number);
/** PIDFD_GET_INFO of this kernel returns how a process has ended. */
const keepsStatus = major > 6 || (major === 6 && minor >= 15);

describe("a panic of the guest's kernel", function () {
  this.timeout(60_000);
  let engine: Engine;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));

  /** Injects an NMI of unknown reason (QEMU's `inject-nmi`). */
  function injectNmi(id: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(`/run/vc/vm/${id}/qmp.sock`);
      socket.on('error', reject).on('data', (data) => {
        if (data.includes('"QMP"')) socket.write('{"execute":"qmp_capabilities"}\n{"execute":"inject-nmi"}\n');
        if ((data.toString().match(/"return"/g) ?? []).length > 0) resolve();
      });
      socket.on('close', () => resolve());
    });
  }

  /** The log of a proxy after its VM has ended. The file is removed with the sandbox, so it is opened before. */
  async function logAfter(id: string, end: () => Promise<void>): Promise<string> {
    const log = openSync(`/run/vc/vm/${id}/proxy.log`, 'r');
    try {
      const ended = engine.docker(['wait', id]);
      await end();
      assert.equal(await good(ended), '255\n');
      return readFileSync(log, 'utf8');
    } finally {
      closeSync(log);
    }
  }

  it('ends the container within seconds, and the panic is logged', async () => {
    const id = (await good(engine.docker(['run', '-d', '--privileged', 'busybox', 'sleep', '1000']))).trim();
    await good(engine.docker(['exec', '--privileged', id, 'sh', '-c', 'echo 1 >/proc/sys/kernel/unknown_nmi_panic']));
    const started = performance.now();
    const log = await logAfter(id, () => injectNmi(id));
    assert.ok(performance.now() - started < END_MS, `${Math.round(performance.now() - started)} ms`);
    assert.match(log, /level=error msg="the connection to the guest is lost.*console=".*Kernel panic - not syncing: NMI/);
    assert.match(log, keepsStatus ? / vm="QEMU exited with code 0: the guest shut down/ : /cause unknown/);
    await good(engine.docker(['rm', id]));
    assert.deepEqual(leftovers(), []);
  });

  it('is told from a QEMU that is killed', async () => {
    const id = (await good(engine.docker(['run', '-d', 'busybox', 'sleep', '1000']))).trim();
    const log = await logAfter(id, () => {
      process.kill(Number(readFileSync(`/run/vc/vm/${id}/pid`, 'latin1')), 'SIGKILL');
      return Promise.resolve();
    });
    assert.match(log, keepsStatus ? / vm="QEMU was killed by signal 9 \(SIGKILL\)/ : /cause unknown|last line of qemu\.log/);
    await good(engine.docker(['rm', id]));
    assert.deepEqual(leftovers(), []);
  });
});

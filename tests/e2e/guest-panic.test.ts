/** A panic of the guest's kernel: the containers end, the log has the reason, and nothing is left behind. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';

/** Time for the kernel's panic=1 and QEMU's -no-reboot, with an emulated guest on a busy machine. */
const END_MS = 20_000;

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

  it('ends the container within seconds, and the panic is logged', async () => {
    const id = (await good(engine.docker(['run', '-d', '--privileged', 'busybox', 'sleep', '1000']))).trim();
    const log = openSync(`/run/vc/vm/${id}/proxy.log`, 'r'); // the file is removed with the sandbox
    try {
      await good(engine.docker(['exec', '--privileged', id, 'sh', '-c', 'echo 1 >/proc/sys/kernel/unknown_nmi_panic']));
      const started = performance.now();
      const ended = engine.docker(['wait', id]);
      await injectNmi(id);
      assert.equal(await good(ended), '255\n');
      assert.ok(performance.now() - started < END_MS, `${Math.round(performance.now() - started)} ms`);
      assert.match(
        readFileSync(log, 'utf8'),
        /level=error msg="the connection to the guest is lost.*console=".*Kernel panic - not syncing: NMI/,
      );
    } finally {
      closeSync(log);
    }
    await good(engine.docker(['rm', id]));
    assert.deepEqual(leftovers(), []);
  });
});

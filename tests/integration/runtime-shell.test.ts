/** `kata-shell`: a process of the guest itself, only in a VM that was started with a debugging shell. */
import assert from 'node:assert/strict';
import { RuntimeRig } from './runtime-rig.ts';

describe('kata-runtime kata-shell', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  it('starts a process in the guest, and exits with its code', async () => {
    const shim = `case "$*" in *"-container .guest "*) exit 7;; esac; exec sleep 1000`;
    rig.prepare({ shim, configuration: { 'agent.kata.debug_console_enabled': true } });
    assert.equal((await rig.create()).code, 0);
    assert.equal((await rig.kata('kata-shell', rig.id, 'ps', '-ef')).code, 7);
    const request = rig.lastRequest('execProcess') as { container_id: string; process: Readonly<Record<string, unknown>> };
    const { container_id, process: asked } = request;
    assert.deepEqual([container_id, asked['Args'], asked['Terminal'], asked['Cwd']], ['.guest', ['ps', '-ef'], false, '/']);
  });

  it('is refused if the VM was started without it, and the error names the key', async () => {
    rig.prepare();
    assert.equal((await rig.create()).code, 0);
    rig.configure('debug_console_enabled', true);
    const { code, stderr } = await rig.kata('kata-shell', rig.id);
    const remedy = 'set debug_console_enabled = true in [agent.kata] of configuration.toml, and create the container again';
    assert.deepEqual([code, stderr], [1, `the VM of container ${rig.id} was started without a debugging shell: ${remedy}\n`]);
    assert.ok(!rig.calls().some((call) => call.startsWith('execProcess ')));
  });
});

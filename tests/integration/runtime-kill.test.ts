/** `kill -9` works with every answer of the guest, and ends no more than necessary. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { isAlive } from '../../packages/common/src/process/process-identity.ts';
import type { ProcessIdentity } from '../../packages/common/src/process/process-identity.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';

describe('kata-runtime kill', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** Kills a running container. @returns its VM */
  async function killed(modes: Modes, then = (): void => {}): Promise<ProcessIdentity> {
    rig.prepare(modes);
    for (const outcome of [await rig.create(), await rig.kata('start', rig.id)]) assert.equal(outcome.code, 0, outcome.stderr);
    const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
    then();
    const { code, stdout, stderr } = await rig.kata('kill', rig.id, 'KILL');
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    return HypervisorState.Process;
  }

  it('SIGKILL ends the VM if the guest refuses the signal', async () => {
    const vm = await killed({ refuses: 'signalProcess' });
    await until('the VM ends', () => !isAlive(vm));
  });

  it('SIGKILL ends the VM within seconds if the guest hangs', async () => {
    let start = 0;
    const vm = await killed({}, () => {
      writeFileSync(rig.scratch.file('calls.hold'), 'signalProcess');
      start = performance.now();
    });
    await until('the VM ends', () => !isAlive(vm));
    assert.ok(performance.now() - start < 15_000, `${Math.round(performance.now() - start)} ms`);
  });

  it('SIGKILL does not end the VM if the process exits before the guest can signal it', async () => {
    const shim = `until grep -q ^signalProcess ${rig.scratch.file('calls')}; do sleep 0.02; done; sleep 0.2; exit 137`;
    const vm = await killed({ refuses: 'signalProcess', shim });
    assert.equal(await rig.status(), 'stopped');
    assert.ok(isAlive(vm));
  });
});

/** kata-ksm-throttler restores the host's values in every way in which it can end. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { AGGRESSIVE, INITIAL, KsmRig, SPEED, loggedModes, modes } from './ksm-rig.ts';
import { until } from '../support/until.ts';
import type { Component } from '../support/process.ts';

describe('how kata-ksm-throttler restores the values of the host', function () {
  this.timeout(30_000);
  let rig: KsmRig;
  beforeEach(() => (rig = new KsmRig()));
  afterEach(() => rig.remove());

  async function ends(daemon: Component, signal: NodeJS.Signals): Promise<void> {
    daemon.child.kill(signal);
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    assert.equal(rig.values(), INITIAL);
    assert.equal(rig.isRemembered(), false);
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
    it(`${signal} restores all values`, async () => {
      const daemon = await rig.daemon();
      await rig.kick();
      assert.equal(rig.values(), AGGRESSIVE);
      await ends(daemon, signal);
    });

  it('a host that merged pages before continues with its own values', async () => {
    rig.set({ run: '1', pages_to_scan: '777', sleep_millisecs: '33' });
    const daemon = await rig.daemon();
    await rig.kick();
    daemon.child.kill('SIGTERM');
    await daemon.exited;
    assert.equal(rig.values(), '1/777/33');
  });

  it("the kernel's advisor is disabled, and restored", async () => {
    rig.set({ advisor_mode: 'none [scan-time]' });
    const daemon = await rig.daemon();
    await rig.kick();
    const advisor = (): string => readFileSync(rig.scratch.file('ksm/advisor_mode'), 'latin1').trim();
    assert.equal(advisor(), 'none');
    await ends(daemon, 'SIGTERM');
    assert.equal(advisor(), 'scan-time');
  });

  it('after kill -9 the next start restores the values at once', async () => {
    const first = await rig.daemon();
    await rig.kick();
    await first.kill();
    assert.equal(rig.values(), AGGRESSIVE);
    const second = await rig.daemon();
    assert.equal(rig.values(), INITIAL);
    assert.match(second.stderr, /level=warning msg="the last throttler was killed/);
    await rig.kick();
    await ends(second, 'SIGTERM');
  });

  it('after kill -9 -restore restores the values, once', async () => {
    const restore = async (): Promise<void> => {
      assert.equal((await rig.run('kata-ksm-throttler', rig.args('-restore')).exited).code, 0);
    };
    await (await rig.daemon()).kill();
    rig.set({ run: '1', pages_to_scan: '7', sleep_millisecs: '7' });
    await restore();
    assert.equal(rig.values(), INITIAL);
    assert.equal(rig.isRemembered(), false);
    rig.set({ run: '1', pages_to_scan: '7', sleep_millisecs: '7' });
    await restore();
    assert.equal(rig.values(), '1/7/7', 'what the host has chosen since is not touched');
  });

  it('a damaged state file is ignored', async () => {
    const daemon = await rig.daemon();
    await rig.kick();
    await daemon.kill();
    writeFileSync(rig.record, '{"initial":{"run":"1","pages_to_scan":"x"}}');
    await rig.daemon();
    assert.equal(rig.values(), AGGRESSIVE);
  });

  it('the schedule ends by itself after its trigger was killed', async () => {
    const daemon = await rig.daemon('-root', '', '-speed', String(SPEED));
    const vc = rig.run('vc', ['-root', rig.scratch.file('vc'), '-log', 'info', '-uri', rig.socket]);
    await until('the trigger watches', () => vc.stderr.includes('msg=watches'));
    rig.makeSandbox('a');
    await modes(daemon, 1);
    await vc.kill();
    // A trigger may have kicked twice, which restarts the schedule.
    await until('the schedule ends', () => loggedModes(daemon.stderr).at(-1)?.mode === 'initial');
    assert.equal((await modes(daemon, 4)).at(-1), `initial by time: ${INITIAL}`);
  });

  it('values that cannot be restored are logged, the exit code is 1, and the state file is kept', async () => {
    const daemon = await rig.daemon();
    await rig.kick();
    const run = rig.scratch.file('ksm/run');
    rmSync(run);
    daemon.child.kill('SIGTERM');
    assert.equal((await daemon.exited).code, 1);
    assert.match(daemon.stderr, /level=error msg="the host's values cannot be restored"/);
    assert.equal(rig.isRemembered(), true);
  });

  it('a socket that cannot be created: exit code 1, nothing is changed', async () => {
    writeFileSync(rig.scratch.file('file'), '');
    const daemon = rig.run('kata-ksm-throttler', rig.args('-uri', rig.scratch.file('file/ksm.sock')));
    assert.equal((await daemon.exited).code, 1);
    assert.equal(rig.values(), INITIAL);
  });
});

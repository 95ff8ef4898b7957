/** The schedule of the kata-ksm-throttler process. Time passes faster. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { AGGRESSIVE, INITIAL, KsmRig, SLOW, SPEED, STANDARD, loggedModes, modes } from './ksm-rig.ts';
import type { Component } from '../support/process.ts';

/** Tolerance: Node's timers round to milliseconds, and the log has times of the wall clock. */
const TOLERANCE_MS = 20;

describe('schedule of kata-ksm-throttler', function () {
  this.timeout(30_000);
  let rig: KsmRig;
  beforeEach(() => (rig = new KsmRig()));
  afterEach(() => rig.remove());
  /** Milliseconds of the schedule between the modes in the log. */
  const gaps = (daemon: Component): number[] => {
    const times = loggedModes(daemon.stderr).map(({ atMs }) => atMs);
    return times.slice(1).map((time, index) => (time - (times[index] ?? 0) + TOLERANCE_MS) * SPEED);
  };

  const fast = ['-speed', String(SPEED)];

  it('a kick: aggressive for 30 s, standard and slow for 120 s each, then the values of the host', async () => {
    const daemon = await rig.daemon(...fast);
    await rig.kick();
    assert.deepEqual(await modes(daemon, 4), [
      `aggressive by kick: ${AGGRESSIVE}`,
      `standard by time: ${STANDARD}`,
      `slow by time: ${SLOW}`,
      `initial by time: ${INITIAL}`,
    ]);
    const [aggressive = 0, standard = 0, slow = 0] = gaps(daemon);
    assert.ok(aggressive >= 30_000 && standard >= 120_000 && slow >= 120_000, `${[aggressive, standard, slow]}`);
    assert.equal(rig.values(), INITIAL);
  });

  it('after the start nothing changes for 120 s, then standard', async () => {
    const begun = Date.now();
    const daemon = await rig.daemon(...fast);
    assert.deepEqual(await modes(daemon, 3), [`standard by time: ${STANDARD}`, `slow by time: ${SLOW}`, `initial by time: ${INITIAL}`]);
    assert.ok(((loggedModes(daemon.stderr)[0]?.atMs ?? 0) - begun) * SPEED >= 120_000);
  });

  for (const [name, before] of [
    ['aggressive', 1],
    ['standard', 2],
    ['slow', 3],
    ['initial', 4],
  ] as const)
    it(`a kick in ${name} restarts the schedule`, async () => {
      const daemon = await rig.daemon(...fast);
      await rig.kick();
      await modes(daemon, before);
      await rig.kick();
      const all = await modes(daemon, before + 1);
      const again = all.findIndex((line, index) => index > 0 && line.startsWith('aggressive by kick'));
      assert.ok(again >= before, all.join('; '));
      assert.equal((await modes(daemon, again + 2))[again + 1], `standard by time: ${STANDARD}`);
    });

  it('the batch size follows the current amount of memory', async () => {
    const daemon = await rig.daemon();
    await rig.kick();
    writeFileSync(rig.scratch.file('proc/meminfo'), 'AnonPages:      8000000 kB\n');
    await rig.kick();
    assert.deepEqual(await modes(daemon, 2), [`aggressive by kick: ${AGGRESSIVE}`, 'aggressive by kick: 1/200000/1']);
  });

  it('back-off ends a mode whose scans gain nothing, and keeps one whose scans gain memory', async () => {
    rig.set({ full_scans: '0', general_profit: '0' });
    const daemon = await rig.daemon('-speed', '20');
    await rig.kick();
    rig.set({ full_scans: '10', general_profit: String(50 << 20) }); // gained: time alone ends the mode
    await modes(daemon, 2);
    rig.set({ full_scans: '20' });
    const all = await modes(daemon, 3);
    assert.deepEqual(all.slice(1), [`standard by time: ${STANDARD}`, `slow by fruitless: ${SLOW}`]);
  });

  it('-back-off=false keeps the times of 1.x', async () => {
    rig.set({ full_scans: '0', general_profit: '0' });
    const daemon = await rig.daemon(...fast, '-back-off=false');
    await rig.kick();
    rig.set({ full_scans: '10' });
    assert.deepEqual(
      (await modes(daemon, 4)).map((line) => line.split(':')[0]),
      ['aggressive by kick', 'standard by time', 'slow by time', 'initial by time'],
    );
  });

  describe('sandboxes', () => {
    it('a new sandbox is a kick, also if the directories are created later', async () => {
      const daemon = await rig.daemon();
      rig.makeSandbox('a');
      await modes(daemon, 1);
      assert.equal(rig.values(), AGGRESSIVE);
    });

    it('the end of the last sandbox ends the schedule, after a moment for the kernel to update its counters', async () => {
      rig.makeSandbox('.'); // its appearance can be a kick of its own
      const daemon = await rig.daemon();
      rig.makeSandbox('a');
      await modes(daemon, 1);
      rig.makeSandbox('b');
      await modes(daemon, 2);
      rig.removeSandbox('a');
      rig.removeSandbox('b');
      assert.deepEqual((await modes(daemon, 4)).slice(2), [`slow by empty: ${SLOW}`, `initial by time: ${INITIAL}`]);
    });

    it('an empty -root leaves them to a trigger', async () => {
      const daemon = await rig.daemon('-root', '');
      rig.makeSandbox('a');
      await rig.kick();
      await modes(daemon, 1);
      rig.removeSandbox('a');
      await rig.kick();
      assert.deepEqual(
        (await modes(daemon, 2)).map((line) => line.split(':')[0]),
        ['aggressive by kick', 'aggressive by kick'],
      );
    });
  });
});

/** kata-ksm-throttler and its triggers as processes, on directories that play the kernel's. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGGRESSIVE, INITIAL, KsmRig, SPEED, loggedModes, modes } from './ksm-rig.ts';
import { until } from '../support/until.ts';
import type { Component } from '../support/process.ts';

describe('kata-ksm-throttler', function () {
  this.timeout(30_000);
  let rig: KsmRig;
  beforeEach(() => (rig = new KsmRig()));
  afterEach(() => rig.remove());

  describe('refusals', () => {
    it('a kernel without KSM: reports that and exits with 1', async () => {
      const daemon = rig.run('kata-ksm-throttler', rig.args('-ksm', '/nowhere'));
      assert.equal((await daemon.exited).code, 1);
      assert.match(daemon.stderr, /^KSM is unavailable: \/nowhere\/run cannot be read.*CONFIG_KSM.*\n$/);
    });

    it('a second throttler on the same socket', async () => {
      const daemon = await rig.daemon();
      await rig.kick();
      const second = rig.run('kata-ksm-throttler', rig.args());
      assert.equal((await second.exited).code, 1);
      assert.match(second.stderr, new RegExp(`already runs on .*: pid ${daemon.child.pid}\n`));
      assert.equal(rig.values(), AGGRESSIVE);
      await rig.kick();
    });

    it('a path that is too long for a socket', async () => {
      const daemon = rig.run('kata-ksm-throttler', rig.args('-uri', `/${'x'.repeat(107)}`));
      assert.equal((await daemon.exited).code, 1);
      assert.match(daemon.stderr, /path too long \(got 108, max 107\)/);
    });
  });

  describe('status', () => {
    const status = async (): Promise<string> => {
      const component = rig.run('kata-ksm-throttler', rig.args('-status'));
      assert.equal((await component.exited).code, 0, component.stderr);
      return component.stdout.toString();
    };

    it('-status: mode, pages, memory and cost', async () => {
      rig.set({ pages_shared: '10', pages_sharing: '25600', general_profit: String(90 << 20), full_scans: '1' });
      rig.setKsmdTicks(100);
      const daemon = await rig.daemon();
      await rig.kick();
      rig.set({ general_profit: String(110 << 20) });
      rig.setKsmdTicks(350);
      const text = await status();
      assert.match(text, new RegExp(`^throttler: {4}running, pid ${daemon.child.pid}$`, 'm'));
      assert.match(text, /^mode: {9}aggressive, standard in (30|2\d) s$/m);
      assert.match(text, /^merging: {6}on, 100000 pages every 1 ms$/m);
      assert.match(text, /^pages shared: 25600 freed, 10 shared copies kept$/m);
      assert.match(text, /^memory saved: 100\.0 MiB, 110\.0 MiB net of/m);
      assert.match(text, /^cost: {9}3\.5 s of CPU/m);
      assert.match(text, /^last kick: {4}\+20\.0 MiB for 2\.5 s of CPU$/m);
    });

    it('-status without a daemon, and after the daemon was killed', async () => {
      assert.match(await status(), /^throttler: {4}not running$/m);
      await (await rig.daemon()).kill();
      assert.match(await status(), /^throttler: .*was killed/m);
    });

    it('SIGUSR1 prints the same on stderr, and the daemon continues to run', async () => {
      const daemon = await rig.daemon();
      daemon.child.kill('SIGUSR1');
      await until('the status', () => /^mode: .*initial/m.test(daemon.stderr));
      assert.doesNotMatch(daemon.stderr, /Debugger/);
      await rig.kick();
    });

    it('-dry-run prints every value that it would write, and writes no file', async () => {
      const daemon = await rig.daemon('-dry-run', '-speed', String(SPEED));
      await rig.kick();
      await until('the last value', () => daemon.stdout.includes('would write 20 to'));
      const lines = daemon.stdout
        .toString()
        .replaceAll(`${rig.scratch.file('ksm')}/`, '')
        .trim()
        .split('\n');
      assert.deepEqual(lines, [
        ...['would write 100000 to pages_to_scan', 'would write 1 to sleep_millisecs', 'would write 1 to run'],
        ...['would write 10000 to pages_to_scan', 'would write 10 to sleep_millisecs'],
        ...['would write 2000 to pages_to_scan', 'would write 100 to sleep_millisecs'],
        ...['would write 0 to run', 'would write 100 to pages_to_scan', 'would write 20 to sleep_millisecs'],
      ]);
      assert.equal(rig.values(), INITIAL);
      assert.equal(rig.isRemembered(), false);
    });

    it('-version and -h', async () => {
      for (const [program, name] of [
        ['kata-ksm-throttler', 'kata-ksm-throttler'],
        ['vc', 'kata-vc-throttler'],
        ['kicker', 'kicker'],
      ] as const) {
        const [version, help] = [rig.run(program, ['-version']), rig.run(program, ['-h'])];
        await Promise.all([version.exited, help.exited]);
        assert.match(version.stdout.toString(), new RegExp(`^${name} version \\S+\n$`));
        assert.match(help.stdout.toString(), new RegExp(`^Usage of ${name}:\n[^]*-uri string`));
      }
    });
  });

  it('only root and the group can use the socket and its directory', async () => {
    await rig.daemon();
    assert.equal(statSync(rig.socket).mode & 0o777, 0o660);
    assert.equal(statSync(rig.scratch.file('d')).mode & 0o777, 0o750);
  });

  it('at rest no thread wakes up within a second', async () => {
    const daemon = await rig.daemon('-speed', '10');
    rig.makeSandbox('a');
    await modes(daemon, 1);
    rig.removeSandbox('a');
    await modes(daemon, 3);
    const threads = `/proc/${daemon.child.pid}/task`;
    const wakeUps = (): number =>
      readdirSync(threads)
        .map((id) => readFileSync(`${threads}/${id}/status`, 'latin1'))
        .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]), 0);
    let before = -1;
    await until('it has settled', async () => {
      const last = before;
      before = wakeUps();
      await sleep(2500); // JavaScriptCore looks at its memory in the seconds after the program has done something
      return last === before;
    });
    await sleep(1000);
    assert.equal(wakeUps(), before);
  });
});

describe('triggers of kata-ksm-throttler', function () {
  this.timeout(30_000);
  let rig: KsmRig;
  beforeEach(() => (rig = new KsmRig()));
  afterEach(() => rig.remove());
  const vc = async (): Promise<Component> => {
    const component = rig.run('vc', ['-root', rig.scratch.file('vc'), '-log', 'debug', '-uri', rig.socket]);
    await until('the trigger watches', () => component.stderr.includes('msg=watches'));
    return component;
  };
  const kicks = (component: Component): number => component.stderr.split('msg=kicked').length - 1;

  it('vc sends a kick when the directory of sandboxes appears, and for each sandbox', async () => {
    const daemon = await rig.daemon('-root', '');
    const trigger = await vc();
    rig.makeSandbox('.');
    await until('a kick for the directory', () => kicks(trigger) === 1);
    rig.makeSandbox('a');
    await until('a kick for a sandbox', () => kicks(trigger) === 2);
    rig.makeSandbox('b');
    await until('a kick for another', () => kicks(trigger) === 3);
    assert.equal(loggedModes(daemon.stderr).length, 3);
  });

  it('vc continues to run without a daemon, and logs that', async () => {
    rig.makeSandbox('a');
    const trigger = await vc();
    rig.makeSandbox('b');
    await until('the logged error', () => /level=error msg="kick failed".*does not answer on/.test(trigger.stderr));
    await rig.daemon('-root', '');
    rig.makeSandbox('c');
    await until('a kick', () => kicks(trigger) === 1);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`vc ends by ${signal}`, async () => {
      const trigger = await vc();
      trigger.child.kill(signal);
      assert.deepEqual(await trigger.exited, { code: 0, signal: null });
    });

  it('kicker reports a missing daemon and exits with 1', async () => {
    const kicker = rig.run('kicker', ['-uri', rig.socket]);
    assert.equal((await kicker.exited).code, 1);
    assert.match(kicker.stderr, /^kata-ksm-throttler does not answer on /);
  });
});

import assert from 'node:assert/strict';
import { createLogger } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Attributes } from '../kernel/attributes.ts';
import { Ksm } from '../kernel/ksm.ts';
import { modeOf } from '../schedule/throttle-plan.ts';
import type { Clock } from './clock.ts';
import { Throttler } from './throttler.ts';

/** A clock that advances only in advance(), which calls the due timers in order. */
class FakeClock implements Clock {
  #now = 0;
  #due: { at: number; act: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  get pending(): number {
    return this.#due.length;
  }
  after(milliseconds: number, act: () => void): () => void {
    const entry = { at: this.#now + milliseconds, act };
    this.#due.push(entry);
    return () => (this.#due = this.#due.filter((other) => other !== entry));
  }
  advance(seconds: number): void {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at).find(({ at }) => at <= end);
      if (!next) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.act();
    }
    this.#now = end;
  }
}

/** /sys/kernel/mm/ksm in memory. */
class FakeAttributes implements Attributes {
  readonly values = new Map(
    Object.entries({ run: '0', pages_to_scan: '100', sleep_millisecs: '20', full_scans: '0', general_profit: '0' }),
  );
  refuses = false;
  writes = 0;
  read(name: string): string | undefined {
    return this.values.get(name);
  }
  write(name: string, value: string): void {
    if (this.refuses) throw new Error('refused');
    this.writes++;
    this.values.set(name, value);
  }
}

describe('Throttler', () => {
  let clock: FakeClock;
  let attributes: FakeAttributes;
  let anonymous: number;
  let lines: string[];
  let log: Logger;
  let states: string[];
  const make = (backOff = true): Throttler => {
    const ksm = new Ksm(attributes, () => `AnonPages: ${anonymous} kB\n`);
    const onState = (): unknown => states.push('state');
    return new Throttler({ ksm, initial: ksm.values(), clock, log, backOff, onState });
  };
  beforeEach(() => {
    clock = new FakeClock();
    attributes = new FakeAttributes();
    anonymous = 4_000_000;
    lines = [];
    states = [];
    log = createLogger({ format: 'text', level: 'debug', precision: 'seconds', write: (line) => lines.push(line) });
  });
  const now = (): string => ['run', 'pages_to_scan', 'sleep_millisecs'].map((name) => attributes.read(name)).join('/');
  /** Makes a full scan each second, which saves `bytes`. */
  const scan = (seconds: number, bytes: number): void => {
    for (let second = 0; second < seconds; second++) {
      attributes.values.set('full_scans', String(Number(attributes.read('full_scans')) + 1));
      attributes.values.set('general_profit', String(Number(attributes.read('general_profit')) + bytes));
      clock.advance(1);
    }
  };

  it('runs aggressive, standard, slow and initial after a kick', () => {
    const throttler = make();
    throttler.kick('trigger');
    const seen = [now()];
    for (const seconds of [30, 120, 120]) {
      clock.advance(seconds - 0.001);
      seen.push(now());
      clock.advance(0.001);
      seen.push(now());
    }
    const [aggressive, standard, slow, initial] = ['1/100000/1', '1/10000/10', '1/2000/100', '0/100/20'];
    assert.deepEqual(seen, [aggressive, aggressive, standard, standard, slow, slow, initial]);
    assert.equal(clock.pending, 0, 'runs no timer in its initial mode');
  });

  it('writes nothing for two minutes after its start', () => {
    make().start();
    clock.advance(119.9);
    assert.equal(attributes.writes, 0);
    clock.advance(0.1);
    assert.equal(now(), '1/10000/10');
    clock.advance(120);
    assert.equal(now(), '1/2000/100');
    clock.advance(120);
    assert.equal(now(), '0/100/20');
  });

  it('reads the amount of memory again at another kick', () => {
    const throttler = make();
    throttler.kick('sandbox');
    anonymous *= 2;
    throttler.kick('sandbox');
    assert.equal(now(), '1/200000/1');
  });

  it('restores the values when it stops, and writes nothing afterwards', () => {
    const throttler = make();
    throttler.kick('trigger');
    throttler.stop();
    assert.equal(now(), '0/100/20');
    clock.advance(1000);
    assert.equal(now(), '0/100/20');
  });

  it('ends the schedule of a sandbox after the last sandbox is removed', () => {
    const throttler = make();
    throttler.kick('sandbox');
    throttler.empty();
    assert.equal(now(), '1/2000/100', 'the kernel tidies up');
    clock.advance(5);
    assert.equal(now(), '0/100/20');
    assert.equal(clock.pending, 0);
  });

  it('ends each mode after ten seconds of scans that save nothing', () => {
    const throttler = make();
    throttler.kick('sandbox');
    const seen = [10, 10, 10].map((seconds) => {
      scan(seconds, 0);
      return now();
    });
    assert.deepEqual(seen, ['1/10000/10', '1/2000/100', '0/100/20']);
    assert.equal(clock.pending, 0);
  });

  it('keeps the times of all modes while scans save memory', () => {
    const throttler = make();
    throttler.kick('sandbox');
    scan(29, 1 << 20);
    assert.equal(modeOf(throttler.state), 'aggressive');
    scan(120, 1 << 20);
    assert.equal(modeOf(throttler.state), 'standard');
  });

  it('ends the mode when scans no longer save memory', () => {
    const throttler = make();
    throttler.kick('sandbox');
    scan(15, 1 << 20);
    scan(14, 0);
    assert.equal(modeOf(throttler.state), 'aggressive');
    scan(10, 0);
    assert.equal(modeOf(throttler.state), 'standard');
    scan(1, 0);
    assert.equal(modeOf(throttler.state), 'slow');
  });

  it('waits for slow scans', () => {
    const throttler = make();
    throttler.kick('sandbox');
    attributes.values.set('full_scans', '2');
    clock.advance(29);
    assert.equal(modeOf(throttler.state), 'aggressive');
  });

  it('keeps the times of 1.x with -back-off=false', () => {
    const throttler = make(false);
    throttler.kick('sandbox');
    scan(29, 0);
    assert.equal(modeOf(throttler.state), 'aggressive');
    scan(120, 0);
    assert.equal(modeOf(throttler.state), 'standard');
  });

  it('logs a value that the kernel refuses, and tries again in the next mode', () => {
    const throttler = make();
    attributes.refuses = true;
    throttler.kick('trigger');
    assert.match(lines.join(''), /level=error msg="mode cannot be set" mode=aggressive/);
    attributes.refuses = false;
    clock.advance(30);
    assert.equal(now(), '1/10000/10');
  });

  it('reports every new state once', () => {
    const throttler = make();
    throttler.start();
    clock.advance(100);
    assert.equal(states.length, 1);
    throttler.kick('trigger');
    clock.advance(30);
    assert.equal(states.length, 3);
  });
});

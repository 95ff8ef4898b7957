import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@kata-containers/common/logging/logger';
import { KsmFiles } from './ksm-files.ts';
import { loadSaved, save } from './saved-values.ts';
import { pagesToScan } from './schedule-plan.ts';
import { Throttler } from './throttler.ts';
import type { Clock } from './throttler.ts';

/** A clock that stands still until it is moved. */
class FakeClock implements Clock {
  #now = 0;
  #due: { at: number; act: () => void }[] = [];
  after(milliseconds: number, act: () => void): () => void {
    const entry = { at: this.#now + milliseconds, act };
    this.#due.push(entry);
    return () => (this.#due = this.#due.filter((other) => other !== entry));
  }
  advance(seconds: number): void {
    this.#now += seconds * 1000;
    const due = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { act } of due) act();
  }
}

describe('pagesToScan', () => {
  const cases: [anonKiB: number, divisor: number, pages: number][] = [
    [4_000_000, 10, 100_000],
    [4_000_000, 100, 10_000],
    [4_000_000, 500, 2000],
    [0, 10, 1],
  ];
  for (const [anonKiB, divisor, pages] of cases)
    it(`${anonKiB} KiB / ${divisor}`, () => assert.equal(pagesToScan(anonKiB, 4096, divisor), pages));
});

describe('Throttler', () => {
  let root = '';
  let clock: FakeClock;
  let throttler: Throttler;
  const initial = { run: '0', pages_to_scan: '100', sleep_millisecs: '20' };
  const files = (): KsmFiles => new KsmFiles(root, join(root, 'meminfo'));
  const now = (): string => {
    const { run, pages_to_scan, sleep_millisecs } = files().read();
    return `${run}/${pages_to_scan}/${sleep_millisecs}`;
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ksm-'));
    for (const [name, value] of Object.entries(initial)) writeFileSync(join(root, name), value);
    writeFileSync(join(root, 'meminfo'), 'MemTotal: 1 kB\nAnonPages:  4000000 kB\n');
    clock = new FakeClock();
    throttler = new Throttler(files(), initial, clock, silentLogger);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('a kick: aggressive, standard, slow, and back', () => {
    throttler.kick();
    const seen = [now()];
    for (const seconds of [30, 120, 120]) {
      clock.advance(seconds);
      seen.push(now());
    }
    assert.deepEqual(seen, ['1/100000/1', '1/10000/10', '1/2000/100', '0/100/20']);
    assert.equal(throttler.mode, 'initial');
  });

  it('another kick starts again', () => {
    throttler.kick();
    clock.advance(29);
    throttler.kick();
    clock.advance(29);
    assert.equal(throttler.mode, 'aggressive');
    clock.advance(1);
    assert.equal(throttler.mode, 'standard');
  });

  it('at the start nothing is written for two minutes', () => {
    throttler.start();
    clock.advance(119);
    assert.equal(now(), '0/100/20');
    clock.advance(1);
    assert.equal(now(), '1/10000/10');
    clock.advance(120);
    clock.advance(120);
    assert.equal(now(), '0/100/20');
  });

  it('stopping puts the values back, whatever the mode', () => {
    throttler.kick();
    throttler.stop();
    assert.equal(now(), '0/100/20');
    clock.advance(1000);
    assert.equal(now(), '0/100/20');
  });

  it('a kernel without KSM is told by name', () => {
    assert.throws(() => new KsmFiles(join(root, 'missing')), /KSM is unavailable: .*missing\/run/);
  });

  it('saved values are read back, damaged ones are not believed', () => {
    mkdirSync(join(root, 's'));
    const path = join(root, 's/saved');
    save(path, initial);
    assert.deepEqual(loadSaved(path), initial);
    writeFileSync(path, '{"run":"rm -rf"}');
    assert.equal(loadSaved(path), undefined);
    assert.throws(() => readFileSync(join(root, 'nothing')));
  });
});

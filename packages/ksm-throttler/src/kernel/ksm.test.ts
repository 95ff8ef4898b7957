import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { scanRates } from '../schedule/schedule-plan.ts';
import { DryRun, Sysfs } from './attributes.ts';
import { Ksm, requiredNames } from './ksm.ts';

const meminfo = (): string => 'AnonPages:  4000000 kB\n';

describe('KSM', () => {
  let root = '';
  const set = (name: string, value: string): void => writeFileSync(join(root, name), `${value}\n`);
  const get = (name: string): string => readFileSync(join(root, name), 'latin1').trim();
  const ksm = (): Ksm => new Ksm(new Sysfs(root), meminfo);
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ksm-'));
    for (const [name, value] of Object.entries({ run: '0', pages_to_scan: '100', sleep_millisecs: '20' })) set(name, value);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('tunes and restores', () => {
    const before = ksm().values();
    ksm().tune(scanRates.aggressive);
    assert.deepEqual(ksm().values(), { run: '1', pages_to_scan: '100000', sleep_millisecs: '1' });
    ksm().restore(before);
    assert.deepEqual(ksm().values(), before);
  });

  it('reads the selected advisor', () => {
    set('advisor_mode', 'none [scan-time]');
    assert.equal(ksm().values().advisor_mode, 'scan-time');
  });

  it('reads the attributes of an old kernel', () => {
    set('pages_shared', '10');
    set('pages_sharing', '256');
    assert.deepEqual(ksm().merged(), { kept: 10, saved: 256, profitBytes: undefined, fullScans: 0 });
    assert.equal(ksm().gain().savedBytes, 1 << 20);
  });

  it('uses general_profit of a new kernel', () => {
    set('pages_sharing', '256');
    set('ksm_zero_pages', '44');
    set('general_profit', '-4096');
    set('full_scans', '3');
    assert.deepEqual(ksm().merged(), { kept: 0, saved: 300, profitBytes: -4096, fullScans: 3 });
    assert.deepEqual(ksm().gain(), { savedBytes: -4096, fullScans: 3 });
  });

  it('reports values in a dry run, changes nothing, and reads the reported values', () => {
    const printed: string[] = [];
    const dry = new Ksm(new DryRun(new Sysfs(root), (name, value) => printed.push(`${name}=${value}`)), meminfo);
    dry.tune(scanRates.slow);
    dry.tune(scanRates.slow);
    assert.deepEqual(printed, ['pages_to_scan=2000', 'sleep_millisecs=100', 'run=1']);
    assert.equal(get('run'), '0');
  });

  it('names the missing option of a kernel without KSM', () =>
    assert.throws(() => new Sysfs(join(root, 'missing')).require(requiredNames, 'write'), /missing\/run cannot be read.*CONFIG_KSM/));

  it('names file and value in the error for a refused value, and creates no file', () => {
    rmSync(join(root, 'run'));
    assert.throws(() => new Sysfs(root).write('run', '1'), KataError);
    assert.throws(() => get('run'));
    assert.throws(() => new Sysfs(root).write('run', '1'), /^KataError: cannot write "1" to .*\/run: /);
  });

  it('distinguishes read-only attributes from missing attributes', function () {
    // root can write any file except those that the kernel makes read-only, as some in /proc/sys
    const readOnly = process.getuid?.() === 0 ? new Sysfs('/proc/sys/kernel') : new Sysfs(root);
    if (process.getuid?.() !== 0) chmodSync(join(root, 'run'), 0o400);
    const name = process.getuid?.() === 0 ? 'osrelease' : 'run';
    readOnly.require([name], 'read');
    assert.throws(() => readOnly.require([name], 'write'), /cannot be written: root and a .sys/);
  });
});

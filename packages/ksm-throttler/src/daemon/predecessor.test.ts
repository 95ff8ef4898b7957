import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import { DryRun, Sysfs } from '../kernel/attributes.ts';
import { Ksm } from '../kernel/ksm.ts';
import { writeRecord } from '../status/record-file.ts';
import type { DaemonHost } from './host.ts';
import { takeOver } from './predecessor.ts';

const theirs = { run: '0', pages_to_scan: '100', sleep_millisecs: '20' };
const killed = { initial: theirs, pid: process.pid, startTime: '1', mode: 'aggressive' } as const;

describe('the saved values of a previous daemon', () => {
  let root = '';
  const host = (dryRun = false): DaemonHost => {
    const sysfs = new Sysfs(root);
    const ksm = new Ksm(dryRun ? new DryRun(sysfs, () => {}) : sysfs, () => '');
    return { socket: join(root, 's'), recordPath: join(root, 's.state'), dryRun, ksm, ksmdSeconds: () => 0 };
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ksm-'));
    for (const [name, value] of Object.entries({ run: '1', pages_to_scan: '5000', sleep_millisecs: '1' }))
      writeFileSync(join(root, name), value);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('do not exist: the kernel keeps the values of the host', () => {
    const { initial, wasKilled } = takeOver(host());
    assert.deepEqual([initial.pages_to_scan, wasKilled], ['5000', false]);
  });

  it('are restored after the daemon was killed', () => {
    writeRecord(host().recordPath, killed);
    assert.deepEqual(takeOver(host()), { initial: theirs, wasKilled: true });
    assert.deepEqual(host().ksm.values(), theirs);
    assert.equal(existsSync(host().recordPath), false);
  });

  it('are kept by a dry run after the daemon was killed', () => {
    writeRecord(host().recordPath, killed);
    assert.deepEqual(takeOver(host(true)).initial, theirs);
    assert.equal(host().ksm.values().run, '1');
    assert.equal(existsSync(host().recordPath), true);
  });

  it('belong to a running daemon: a second daemon is refused', () => {
    const self = identifyProcess(process.pid);
    assert.ok(self);
    writeRecord(host().recordPath, { ...killed, ...self });
    assert.throws(() => takeOver(host()), /already runs on .*: pid \d+/);
    assert.equal(host().ksm.values().run, '1');
  });
});

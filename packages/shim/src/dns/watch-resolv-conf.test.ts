import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { createLogger } from '@kata-containers/common/logging/logger';
import { watchResolvConf } from './watch-resolv-conf.ts';

const DOCKERS = 'nameserver 127.0.0.11\n';

describe('watchResolvConf', () => {
  const lines: string[] = [];
  const log = createLogger({
    format: 'text',
    level: 'warn',
    precision: 'seconds',
    write: (line) => void lines.push(String(line)),
  });
  let directory: string;
  let path: string;
  let calls: number;
  const watch = (): void => watchResolvConf(path, () => calls++, linuxKernel, log);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'resolv-conf-'));
    path = join(directory, 'resolv.conf');
    calls = 0;
    lines.length = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('calls at once when the file names the resolver of docker', () => {
    writeFileSync(path, DOCKERS);
    watch();
    assert.equal(calls, 1);
  });

  it('logs that a file does not exist', () => {
    watch();
    assert.equal(calls, 0);
    assert.match(lines.join(''), /resolv\.conf cannot be watched.*ENOENT/);
  });

  for (const pause of [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3])
    it(`calls once when the file is truncated, and written ${pause} ms later`, async () => {
      writeFileSync(path, 'nameserver 192.0.2.1\n');
      watch();
      const file = openSync(path, 'r+');
      await setTimeout(5);
      assert.equal(calls, 0);
      ftruncateSync(file);
      for (const end = performance.now() + pause; performance.now() < end;) await new Promise(setImmediate);
      writeSync(file, DOCKERS, 0);
      for (let turn = 0; calls === 0 && turn < 2000; turn++) await setTimeout(1);
      assert.equal(calls, 1);
      writeSync(file, DOCKERS, 0);
      closeSync(file);
      await setTimeout(5);
      assert.equal(calls, 1);
    });
});

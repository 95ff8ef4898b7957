import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { lastLogLines, openMonitor } from './qemu-process.ts';
import { openVmFile } from './vm-file.ts';

describe('files of a VM with a compromised QEMU', () => {
  let directory = '';
  let other: Server;
  let connections = 0;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vm-'));
    connections = 0;
    other = createServer((peer) => {
      connections++;
      peer.end();
    }).listen(join(directory, 'other.sock'));
    await once(other, 'listening');
  });
  afterEach(() => {
    other.close();
    rmSync(directory, { recursive: true });
  });

  it("does not follow a link in place of the monitor's socket to the monitor of another VM", async () => {
    symlinkSync(join(directory, 'other.sock'), join(directory, 'qmp.sock'));
    await assert.rejects(openMonitor(join(directory, 'qmp.sock'), 1000), KataError);
    assert.equal(connections, 0);
  });

  it("refuses a file in place of the monitor's socket", async () => {
    writeFileSync(join(directory, 'qmp.sock'), '');
    await assert.rejects(openMonitor(join(directory, 'qmp.sock'), 1000), KataError);
  });

  it('does not wait for the monitor of a QEMU that has ended', async () => {
    let checks = 0;
    await assert.rejects(
      openMonitor(join(directory, 'qmp.sock'), 600_000, () => ++checks < 3),
      /QEMU has ended/,
    );
  });

  it('does not follow a link in place of a log and does not block on a pipe', () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'secret\n');
    symlinkSync(secret, join(directory, 'qemu.log'));
    execFileSync('mkfifo', [join(directory, 'virtiofsd.log')]);
    assert.equal(lastLogLines(join(directory, 'qemu.log')), '');
    assert.equal(lastLogLines(join(directory, 'virtiofsd.log')), '');
    for (const name of ['qemu.log', 'virtiofsd.log']) assert.throws(() => openVmFile(join(directory, name)));
    const fd = openVmFile(secret);
    assert.equal(readFileSync(fd, 'utf8'), 'secret\n');
    closeSync(fd);
  });
});

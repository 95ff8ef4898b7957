import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { deleteLinks, restoreLinks } from './teardown.ts';

const saved = { name: 'eth0', mac: '02:00:00:00:00:01', addresses: [], up: true } as never;

describe('teardown of links', () => {
  const path = process.env['PATH'];
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'links-'));
    for (const name of ['ip', 'tc']) play(name, '');
    process.env['PATH'] = `${directory}:${path}`;
  });

  /** A program that reports when it is run. */
  function play(name: string, script: string): void {
    writeFileSync(join(directory, name), `#!/bin/sh\necho ${name} >>${directory}/ran\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  const ran = (): string[] => readFileSync(join(directory, 'ran'), 'utf8').trim().split('\n').sort();

  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(directory, { recursive: true });
  });

  for (const netns of ['/proc/self/ns/net', '/proc/0/ns/net'])
    it(`does not change links of the host: ${netns}`, async () => {
      await deleteLinks({ netns, links: ['tap0_kata'], ingress: ['eth0'] }, linuxKernel, 1000);
      await restoreLinks({ netns, links: [saved] }, linuxKernel, 1000);
      assert.equal(existsSync(join(directory, 'ran')), false);
    });

  /** With a namespace that no container uses. */
  async function inStrangeNamespace(act: (netns: string) => Promise<void>): Promise<void> {
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 30'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      await act(`/proc/${holder.pid}/ns/net`);
    } finally {
      holder.kill('SIGKILL');
    }
  }

  it('ignores a failed line: the link does not exist any more (root)', async function () {
    if (process.getuid?.() !== 0) this.skip();
    play('ip', 'exit 1');
    await inStrangeNamespace(async (netns) => {
      await deleteLinks({ netns, links: ['tap0_kata'], ingress: ['eth0'] }, linuxKernel, 5000);
      await restoreLinks({ netns, links: [saved] }, linuxKernel, 5000);
    });
    assert.deepEqual(ran(), ['ip', 'ip', 'tc']);
  });

  it('reports a program that does not end, and runs the other program (root)', async function () {
    if (process.getuid?.() !== 0) this.skip();
    play('ip', 'exec sleep 5');
    const home = readlinkSync('/proc/self/ns/net');
    await inStrangeNamespace(async (netns) => {
      const late = { message: 'timed out after 0.3 s waiting for ip -force -batch -' };
      await assert.rejects(deleteLinks({ netns, links: ['tap0_kata'], ingress: ['eth0'] }, linuxKernel, 300), late);
      await assert.rejects(restoreLinks({ netns, links: [saved] }, linuxKernel, 300), late);
    });
    assert.deepEqual([ran(), readlinkSync('/proc/self/ns/net')], [['ip', 'ip', 'tc'], home]);
  });
});

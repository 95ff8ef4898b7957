import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { newSpanFile } from '@kata-containers/common/tracing/span-file';
import { undoAll } from './undo.ts';

/** Mount points of every host; nothing is unmounted here. */
const busy = (['/proc', '/sys', '/dev'] as const).flatMap((path) => Array.from({ length: 10 }, () => ({ undo: 'unmount', path }) as const));

describe('undo steps on the host', () => {
  let tries = 0;
  const refuse = {
    umountExactly: (path: string): void => {
      tries++;
      throw new KernelError('umount2', 16, 'EBUSY', path);
    },
    setns: () => assert.fail('no namespace is entered'),
  };
  beforeEach(() => (tries = 0));

  it('share one timeout for busy mounts, and try and report each mount', async () => {
    const begun = performance.now();
    const failures = await undoAll(busy, refuse, 200);
    assert.equal(failures.length, busy.length);
    for (const failure of failures) assert.match(failure, /^umount2 \S+ failed \(EBUSY\)$/);
    assert.ok(tries > busy.length, 'the first is waited for');
    assert.ok(performance.now() - begun < 1000);
  });

  it('do not wait for a mount that cannot be unmounted for another reason', async () => {
    const deny = {
      ...refuse,
      umountExactly: (path: string): void => {
        tries++;
        throw new KernelError('umount2', 1, 'EPERM', path);
      },
    };
    assert.equal((await undoAll(busy, deny, 200)).length, busy.length);
    assert.equal(tries, busy.length);
  });

  it("remove a VM's directory also when spans were not read: those of a VM of the cache, and of a killed process", async () => {
    const parent = mkdtempSync(join(tmpdir(), 'kata-undo-'));
    const directory = join(parent, 'vm');
    mkdirSync(directory);
    for (const spans of ['[]', '']) writeFileSync(newSpanFile(directory) ?? assert.fail(), spans);
    const entries = [{ undo: 'rmdir', path: directory } as const, { undo: 'remove-sockets', directory, names: ['pid'] } as const];
    try {
      assert.deepEqual(await undoAll(entries, refuse, 200), []);
      assert.ok(!existsSync(directory));
    } finally {
      rmSync(parent, { recursive: true });
    }
  });

  describe('with an ip that is slow, as on a host that is emulated itself', () => {
    const path = process.env['PATH'];
    let directory = '';
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'kata-undo-'));
      writeFileSync(join(directory, 'ip'), '#!/bin/sh\nexec sleep 1.3\n', { mode: 0o755 });
      process.env['PATH'] = `${directory}:${path}`;
    });
    afterEach(() => {
      process.env['PATH'] = path;
      rmSync(directory, { recursive: true });
    });

    it('delete links when no time for waiting is left', async () => {
      const entry = { undo: 'delete-links', netns: directory, links: ['tap0_kata'], ingress: [] } as const; // a namespace is any other file
      assert.deepEqual(await undoAll([entry], { ...refuse, setns: () => {} }, 0), []);
    });
  });
});

/** What a test file leaves when it is interrupted (tests/support/cell.sh). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/run.ts';

const CELL = join(import.meta.dirname, '../support/cell.sh');
const SCRIPT = `
  truncate -s 1M "$TMPDIR/disk" && device=$(losetup --find --show "$TMPDIR/disk") && rm "$TMPDIR/disk"
  exec 3<"$device"; echo "$TMPDIR" "$device"; sleep 1000`;

describe('a cell that is interrupted', () => {
  it('leaves no loop device and no file', async () => {
    const cell = spawn(CELL, ['sh', '-c', SCRIPT], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(cell, 'close');
    const [directory = '', device = ''] = String((await Promise.race([once(cell.stdout, 'data'), ended]))[0])
      .trim()
      .split(' ');
    const isAttached = async (): Promise<boolean> => (await run('losetup', [device])).code === 0;
    assert.deepEqual([await isAttached(), existsSync(directory)], [true, true]);
    cell.kill('SIGTERM');
    await ended;
    assert.deepEqual([await isAttached(), existsSync(directory)], [false, false]);
  });
});

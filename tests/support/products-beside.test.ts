import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const library = join(import.meta.dirname, '../../tools/products-beside.sh');

describe('products that are built beside a script', function () {
  this.timeout(20_000);
  let scratch = '';
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'kata-beside-'));
    mkdirSync(join(scratch, 'tools'));
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  /** Without a terminal, as in CI. */
  function run(products: string, script: string): { status: number | null; stderr: string } {
    writeFileSync(join(scratch, 'tools/products.sh'), `#!/bin/sh\n${products}\n`, { mode: 0o755 });
    const { status, stderr } = spawnSync('sh', ['-ec', `. ${library}; start_products; ${script}`], {
      cwd: scratch,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return { status, stderr };
  }

  it('end with the script, with all their child processes', () => {
    const products = 'sleep 100 & echo $$ >started; wait';
    assert.deepEqual(run(products, 'until [ -s started ]; do sleep 0.01; done; exit 3'), { status: 3, stderr: '' });
    const group = Number(readFileSync(join(scratch, 'started'), 'utf8'));
    const states = spawnSync('ps', ['-o', 'stat=', '-s', String(group)], { encoding: 'utf8' }).stdout.split('\n');
    assert.deepEqual(
      states.filter((state) => state !== '' && !state.startsWith('Z')),
      [],
    ); // a process that has ended waits for PID 1
  });

  it('fail the script that waits for them', () => assert.equal(run('exit 5', 'wait_for_products; exit 0').status, 5));

  it('let the script continue when they are built', () => assert.equal(run('exit 0', 'wait_for_products; exit 0').status, 0));
});

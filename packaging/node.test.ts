import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('tools/node.sh', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-node-'));
    mkdirSync(join(directory, 'tools'));
    copyFileSync(join(import.meta.dirname, '../tools/node.sh'), join(directory, 'tools/node.sh'));
    copyFileSync(join(import.meta.dirname, '../package.json'), join(directory, 'package.json'));
    writeFileSync(join(directory, 'program.ts'), 'const text: string = process.argv[2] ?? ""; console.log(text);');
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const run = () => spawnSync('sh', ['tools/node.sh', 'program.ts', 'here'], { cwd: directory, encoding: 'utf8' });

  it('runs a program on the Node.js of the repository', () => {
    mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true });
    symlinkSync(process.execPath, join(directory, 'node_modules/.bin/node'));
    assert.equal(run().stdout, 'here\n');
  });

  it('names the Node.js that a program needs, before npm has installed it', () => {
    const { status, stderr } = run();
    assert.equal(status, 1);
    assert.match(stderr, /^program\.ts needs Node\.js \d+\.\d+\.\d+: run 'tools\/setup\.sh npm', which installs it in node_modules\n$/);
  });
});

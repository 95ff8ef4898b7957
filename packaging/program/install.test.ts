import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, unpack } from './format.ts';
import { installProgram } from './install.ts';

/** Prints its arguments by a function that is compiled when it is called; sets flags like the shim. */
const BUNDLE = `#!/usr/bin/env -S node --no-warnings
"use strict";
require('node:v8').setFlagsFromString('--no-opt');
const print = (args) => require('node:fs').writeSync(1, args.join(' '));
const unused = () => ${'0 + '.repeat(5000)} 0;
print(process.argv.slice(2));
process.exit(3);
`;

describe('an installed program', () => {
  let directory: string;
  let program: { source: string; path: string; packedPath: string };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-program-'));
    const file = (name: string): string => join(directory, name);
    program = { source: file('bundle.cjs'), path: file('program'), packedPath: file('program.packed') };
    writeFileSync(program.source, BUNDLE);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const unpacked = (): ReturnType<typeof unpack> => unpack(readFileSync(program.packedPath));
  function checkRun(): void {
    const { status, stdout, stderr } = spawnSync(program.path, ['a', 'b'], { encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [3, 'a b', '']);
  }

  it('runs with the code that training has compiled', () => {
    installProgram(process.execPath, { ...program, trainings: [['x'], ['y']] });
    assert.equal(statSync(program.path).mode & 0o777, 0o755);
    assert.ok(unpacked().code.length > 0);
    checkRun();
  });

  it('has code that V8 accepts', () => {
    installProgram(process.execPath, { ...program, trainings: [['x']] });
    const { text, code } = unpacked();
    const script = `const { Script } = require('node:vm'); const { text, code } = ${JSON.stringify({ text, code: code.toString('base64') })};
      process.exit(new Script(text, { cachedData: Buffer.from(code, 'base64') }).cachedDataRejected ? 1 : 0);`;
    assert.equal(spawnSync(process.execPath, ['-e', script]).status, 0);
  });

  it('has the same bytes in every build directory, if the path of the installed program is the same', () => {
    const named = { node: '/usr/bin/node', packedPath: '/usr/lib/program.packed' };
    const packed = ['x', 'a-longer-name'].map((name) => {
      const packedPath = join(directory, name);
      installProgram(process.execPath, { ...program, packedPath, named, trainings: [['x'], ['y']] });
      return readFileSync(packedPath).toString('latin1');
    });
    assert.equal(packed[0], packed[1]);
  });

  it('has code only of the functions that the training called', () => {
    installProgram(process.execPath, { ...program, trainings: [['x']] });
    assert.ok(unpacked().code.length < 5000, String(unpacked().code.length));
  });

  it('cannot be made of text that is not ASCII', () => {
    writeFileSync(program.source, "const a = '\u00e4';");
    assert.throws(() => installProgram(process.execPath, { ...program, trainings: [] }), /must be ASCII/);
  });

  const damages: [name: string, damage: (code: Buffer) => Buffer][] = [
    ['no code', () => Buffer.alloc(0)],
    ['half of the code', (code) => code.subarray(0, code.length >> 1)],
    ['code of another Node', (code) => Buffer.concat([Buffer.alloc(8), code.subarray(8)])],
    ['something else', () => Buffer.from('x'.repeat(1000))],
  ];
  for (const [name, damage] of damages) {
    it(`runs without a message with ${name}`, () => {
      installProgram(process.execPath, { ...program, trainings: [['x']] });
      const { text, code } = unpacked();
      writeFileSync(program.packedPath, pack({ text, code: damage(code) }));
      checkRun();
    });
  }
});

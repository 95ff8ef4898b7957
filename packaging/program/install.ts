/** Installs a bundled program as two files: a launcher, and the packed program that the launcher runs (ADR 6). */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { pack, programText, unpack } from './format.ts';

export interface Program {
  /** The bundle. */
  readonly source: string;
  /** Paths of the launcher and of the packed program. */
  readonly path: string;
  readonly packedPath: string;
  /** Paths of Node and of the packed file that are written into the launcher, if the program will be installed elsewhere. */
  readonly named?: { readonly node: string; readonly packedPath: string };
  /** Command lines whose code is compiled at installation. They must exit by themselves and change nothing. */
  readonly trainings: readonly (readonly string[])[];
}

function launcher(node: string, packedPath: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'launch.ts')],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minify: true,
    define: { PACKED: JSON.stringify(packedPath) },
  });
  return `#!${node} --no-warnings\n${outputFiles[0]?.text ?? ''}`;
}

/** Flags that make the code reproducible: otherwise it contains random hash seeds and depends on the progress of other threads. */
const WITHOUT_CHANCE = ['--predictable', '--hash-seed=1', '--random-seed=1'];
/** V8 stores a hash of its flags in the code (SerializedCodeData, the fourth 32-bit word), and rejects code with other flags. */
const FLAG_HASH = { start: 12, end: 16 };

function train(node: string, { path, packedPath }: Program, name: string, args: readonly string[]): void {
  const trainer = join(import.meta.dirname, 'train.ts');
  try {
    execFileSync(node, [...WITHOUT_CHANCE, '--no-warnings', trainer, packedPath, name, path, ...args], { stdio: 'ignore', env: {} });
  } catch {
    // Many command lines that change nothing fail. Their code is compiled nevertheless.
  }
}

/** The flags do not affect the code itself: it also fits a Node without these flags. */
function fitToUsualFlags(node: string, packedPath: string): void {
  const { text, code } = unpack(readFileSync(packedPath));
  const script = `new (require('node:vm').Script)('').createCachedData().toString('hex')`;
  const usual = Buffer.from(execFileSync(node, ['-p', script], { encoding: 'utf8', env: {} }).trim(), 'hex');
  usual.copy(code, FLAG_HASH.start, FLAG_HASH.start, FLAG_HASH.end);
  writeFileSync(packedPath, pack({ text, code }));
}

/** `node` is the path of the installed Node: another Node would reject the code. */
export function installProgram(node: string, program: Program): void {
  const { source, path, packedPath, trainings, named = { node, packedPath } } = program;
  writeFileSync(packedPath, pack({ text: programText(readFileSync(source, 'latin1')), code: Buffer.alloc(0) }));
  writeFileSync(path, launcher(named.node, named.packedPath));
  chmodSync(path, 0o755);
  for (const args of trainings) train(node, program, named.packedPath, args);
  if (trainings.length > 0) fitToUsualFlags(node, packedPath);
}

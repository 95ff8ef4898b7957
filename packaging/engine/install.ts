/** Installs a program as an executable with its engine, and a launcher that callers start (launch.c says why). */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');
const bun = join(repository, 'node_modules/@oven/bun-linux-x64-baseline/bin/bun');

export interface Executable {
  /** The program's first source file. */
  readonly entry: string;
  /** What callers start. */
  readonly path: string;
  /** What the launcher starts. Its name is the process' name. */
  readonly enginePath: string;
  /** How the launcher names `enginePath`, if it is to run elsewhere than here. */
  readonly named?: string;
}

const COMPILER = 'gcc';

/** @throws Error when a compiler fails */
export function installExecutable({ entry, path, enginePath, named = enginePath }: Executable): void {
  for (const file of [path, enginePath]) mkdirSync(dirname(file), { recursive: true });
  const options = {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] },
  };
  execFileSync(bun, [join(import.meta.dirname, 'compile.ts'), entry, enginePath], options);
  const definitions = ['-D_GNU_SOURCE', `-DENGINE=${JSON.stringify(named)}`];
  const flags = ['-std=c11', '-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror'];
  execFileSync(COMPILER, [...flags, ...definitions, '-o', path, join(import.meta.dirname, 'launch.c')], options);
}

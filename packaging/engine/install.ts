/** Installs a program as an executable with its engine, and a launcher that callers start (launch.c says why). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** The Bun that becomes part of executables. */
export const bun = join(repository, 'node_modules/@oven/bun-linux-x64-baseline/bin/bun');

export interface Executable {
  /** The program's first source file. */
  readonly entry: string;
  /** What callers start. It looks for `enginePath` from its own place. */
  readonly path: string;
  /** What the launcher starts. Its name is the process' name. */
  readonly enginePath: string;
}

const COMPILER = 'gcc';

/** @throws Error when a compiler fails */
export function installExecutable({ entry, path, enginePath }: Executable): void {
  for (const file of [path, enginePath]) {
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true }); // it may run
  }
  const options = {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] },
  };
  execFileSync(bun, [join(import.meta.dirname, 'compile.ts'), resolve(entry), resolve(enginePath)], options);
  const definitions = ['-D_GNU_SOURCE', `-DENGINE=${JSON.stringify(relative(dirname(path), enginePath))}`];
  const flags = ['-std=c11', '-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror'];
  execFileSync(COMPILER, [...flags, ...definitions, '-o', resolve(path), join(import.meta.dirname, 'launch.c')], options);
}

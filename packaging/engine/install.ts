/** Installs the programs as an executable with their engine, and launchers that callers start (launch.c gives the reason). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ENGINE, ENGINE_DIRECTORY, agentProgram, enginePrograms } from './programs.ts';
import type { EngineProgram } from './programs.ts';

const repository = resolve(import.meta.dirname, '../..');

/** The Bun that becomes part of the executable. The name of this file is the name of the process. */
export const bun = join(repository, 'node_modules/@oven/bun-linux-x64-baseline/bin/bun');

const COMPILER = 'gcc';

const options = {
  cwd: repository,
  stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'],
  env: { PATH: process.env['PATH'] },
};

/** `enginePath` is found from the launcher's directory. */
function installLauncher({ variables, mark = '', isInit = false }: EngineProgram, path: string, enginePath: string): void {
  const definitions = [
    `-DENGINE=${JSON.stringify(relative(dirname(path), enginePath))}`,
    `-DVARIABLES=${variables.map((variable) => `${JSON.stringify(variable)},`).join('')}`,
    `-DMARK=${JSON.stringify(mark)}`,
    `-DIS_INIT=${Number(isInit)}`,
  ];
  const freestanding = ['-ffreestanding', '-nostdlib', '-fno-stack-protector', '-fno-tree-loop-distribute-patterns', '-Wl,--build-id=none'];
  const flags = ['-std=gnu11', '-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', ...freestanding];
  execFileSync(COMPILER, [...flags, ...definitions, '-o', path, join(import.meta.dirname, 'launch.c')], options);
}

/** Removes an existing file, which may be running. */
function makePlace(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  return path;
}

/** @returns path of the executable of `entry`, which it makes in the directory of executables, below `directory` */
function makeEngine(directory: string, name: string, entry: string): string {
  const engine = makePlace(resolve(directory, ENGINE_DIRECTORY, name));
  execFileSync(bun, [join(import.meta.dirname, 'compile.ts'), entry, engine], options);
  return engine;
}

/**
 * Makes the executable and the launchers of the host's programs below `directory`, with the paths of /usr. `entry` is the executable's first
 * source file. @throws Error when a compiler fails
 */
export function installEngine(directory: string, entry = join(import.meta.dirname, 'main.ts')): void {
  const engine = makeEngine(directory, ENGINE, entry);
  for (const program of enginePrograms) {
    const enginePath = join(dirname(engine), program.name);
    if (enginePath !== engine) symlinkSync(ENGINE, makePlace(enginePath));
    installLauncher(program, makePlace(resolve(directory, program.path)), enginePath);
  }
}

/** Fills `directory` with the executable and the launcher of the agent, with the paths of the guest's /usr. @throws Error */
export function installAgent(directory: string): void {
  rmSync(directory, { recursive: true, force: true }); // all its files become part of the image
  const engine = makeEngine(directory, agentProgram.name, join(repository, 'packages/agent/src/main.ts'));
  installLauncher(agentProgram, makePlace(resolve(directory, agentProgram.path)), engine);
}

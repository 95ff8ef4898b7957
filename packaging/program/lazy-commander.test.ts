import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Metafile } from 'esbuild';
import { lazyCommander } from './lazy-commander.ts';

const CLI = join(import.meta.dirname, '../../packages/runtime/src/cli');
/** Bun compiles its modules from source at each start: others take 0.5 to 2.7 ms of CPU time each. */
const CHEAP = ['node:events', 'node:fs', 'node:path', 'node:process'];

async function importsOf(statements: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    stdin: { contents: statements.join('\n'), resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    plugins: [lazyCommander],
    external: ['@grpc/proto-loader'],
  });
  return metafile;
}

/** Modules of Node that are loaded before the first function is called. */
function modulesOfNode({ inputs }: Metafile): string[] {
  const seen = new Set<string>();
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path, external = false, kind } of inputs[file]?.imports ?? []) {
      if (kind !== 'import-statement') continue;
      if (external) found.add(path);
      else visit(path);
    }
  };
  visit('<stdin>');
  return [...found].sort();
}

describe('modules of Node that a command loads', () => {
  it('has only cheap ones for commander', async () =>
    assert.deepEqual(modulesOfNode(await importsOf(["export { Command } from 'commander';"])), CHEAP));
  for (const verb of ['state', 'list', 'delete', 'version'])
    it(`has only cheap ones for ${verb}`, async () => {
      const files = ['run-cli.ts', `verbs/${verb}.ts`];
      assert.deepEqual(modulesOfNode(await importsOf(files.map((file, index) => `export * as m${index} from '${CLI}/${file}';`))), CHEAP);
    });
});

describe('a commander that has changed', () => {
  const COMMANDER = join(import.meta.dirname, '../../node_modules/commander/lib');
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kata-commander-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const imports = [
    ['command.js', 'node:child_process'],
    ['command.js', 'node:util'],
    ['help.js', 'node:util'],
  ] as const;
  for (const [file, module] of imports)
    it(`fails the build when ${file} imports ${module} in another way`, async () => {
      const lib = join(directory, 'node_modules/commander/lib');
      mkdirSync(lib, { recursive: true });
      const path = join(lib, file);
      writeFileSync(path, readFileSync(join(COMMANDER, file), 'utf8').replace(`'${module}'`, `"${module}"`));
      const built = build({ entryPoints: [path], write: false, logLevel: 'silent', plugins: [lazyCommander] });
      await assert.rejects(built, new RegExp(`${file} does not have the line ".*${module}`));
    });
});

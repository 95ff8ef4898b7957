import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** For a tree from which packages are made: only `tools/stage.ts --packages` writes the paths of an installation. @throws Error */
export function checkStage(tree: string): void {
  const stage = resolve(tree);
  const configuration = readFileSync(join(stage, 'usr/share/defaults/kata-containers/configuration.toml'), 'utf8');
  if (configuration.includes(`"${stage}/`))
    throw new Error(`${stage} works only in its place: make a tree for packages by 'npm run stage -- --packages DIR'`);
}

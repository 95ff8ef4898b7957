import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The staged installation that the tests run against: made by `npm test`, or named by KATA_STAGE. */
export const stage = resolve(process.env['KATA_STAGE'] ?? join(import.meta.dirname, '../../.cache/stage'));
export const kataRuntime = join(stage, 'usr/bin/kata-runtime');

if (!existsSync(kataRuntime)) throw new Error(`${kataRuntime} is missing: run "npm run stage -- ${stage}"`);

/** A runtime with a configuration of its own, as a script that docker can be given. */
export function variant(directory: string, name: string, change: (toml: string) => string): string {
  const toml = readFileSync(join(stage, 'usr/share/defaults/kata-containers/configuration.toml'), 'utf8');
  const [configuration, script] = [join(directory, `${name}.toml`), join(directory, name)];
  writeFileSync(configuration, change(toml));
  writeFileSync(script, `#!/bin/sh\nexec ${kataRuntime} --kata-config ${configuration} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

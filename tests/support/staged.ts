import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The staged installation that the tests run against: made by `npm test`, or named by KATA_STAGE. */
export const stage = resolve(process.env['KATA_STAGE'] ?? join(import.meta.dirname, '../../.cache/stage'));
const program = join(stage, 'usr/bin/kata-runtime');

/** Whether the tests run with a QEMU other than qemu-lite. */
export const isOtherQemu = process.env['KATA_QEMU'] !== undefined;

if (!existsSync(program)) throw new Error(`${program} is missing: run "npm run stage -- ${stage}"`);

/** A runtime with its own configuration, as a script for docker. */
export function variant(directory: string, name: string, change: (toml: string) => string): string {
  const toml = readFileSync(join(stage, 'usr/share/defaults/kata-containers/configuration.toml'), 'utf8');
  const [configuration, script] = [join(directory, `${name}.toml`), join(directory, name)];
  writeFileSync(configuration, change(toml));
  writeFileSync(script, `#!/bin/sh\nexec ${program} --kata-config ${configuration} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

/** With KATA_TEMPLATE=off every VM is booted; KATA_QEMU names another QEMU than the staged one. */
const changes: [is: boolean, name: string, change: (toml: string) => string][] = [
  [process.env['KATA_TEMPLATE'] === 'off', 'without-template', (toml) => toml.replace('enable_template = true', 'enable_template = false')],
  [isOtherQemu, 'other-qemu', (toml) => toml.replace(/^path = ".*qemu.*"$/m, `path = "${process.env['KATA_QEMU'] ?? ''}"`)],
];
const wanted = changes.filter(([is]) => is);
export const kataRuntime =
  wanted.length === 0
    ? program
    : variant(stage, `kata-runtime-${wanted.map(([, name]) => name).join('-')}`, (toml) =>
        wanted.reduce((text, [, , change]) => change(text), toml),
      );

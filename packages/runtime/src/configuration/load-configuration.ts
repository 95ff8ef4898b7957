import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { ConfigurationError } from '@kata-containers/common/errors/kata-error';
import type { ConfigurationProblem } from '@kata-containers/common/errors/kata-error';
import { parseConfiguration } from './parse-configuration.ts';
import { schema } from './schema.ts';
import type { Configuration, Key } from './schema.ts';

export interface LoadedConfiguration {
  readonly path: string;
  readonly configuration: Configuration;
  readonly warnings: readonly string[];
}

/** The file that applies. @throws ConfigurationError when there is none */
function findFile(named: string | undefined, defaults: readonly string[]): string {
  const path = named ?? defaults.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new ConfigurationError(defaults.join(' or '), [{ key: '', problem: 'there is no such file' }]);
  if (!existsSync(path)) throw new ConfigurationError(path, [{ key: '', problem: 'there is no such file' }]);
  return realpathSync(path);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError(path, [{ key: '', problem: `cannot be read (${errorCode(error) ?? 'unknown'})` }]);
  }
}

/** Files of config.d beside the configuration, in the order of their names: packages and administrators change single keys by them. */
function dropIns(path: string): string[] {
  const directory = join(dirname(path), 'config.d');
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.toml')) : [];
  return names.sort().map((name) => join(directory, name));
}

/** Links resolved, so that an upgrade under a running VM does not change what it was started with. */
export function resolveTable<T extends Readonly<Record<string, unknown>>>(
  name: keyof typeof schema,
  table: T,
  problems: ConfigurationProblem[],
): T {
  const keys: Readonly<Record<string, Key>> = schema[name];
  const resolved = Object.entries(table).map(([key, value]): [string, unknown] => {
    if (keys[key]?.mustExist !== true || typeof value !== 'string') return [key, value];
    const places = value === '' ? (keys[key].places ?? []) : [value];
    const found = places.find((place) => existsSync(place));
    if (found !== undefined) return [key, realpathSync(found)];
    const missing = places.length > 1 ? `there is none of ${places.join(', ')}` : `${value} is missing`;
    if (places.length > 0) problems.push({ key: `${name}.${key}`, problem: missing });
    return [key, value];
  });
  return Object.fromEntries(resolved) as T;
}

/** Image and initrd exclude each other; a built-in default does not count as wished for. */
export function checkRoot({ image, initrd }: { image: string; initrd: string }): ConfigurationProblem[] {
  if (image !== '' && initrd !== '') {
    return [{ key: 'hypervisor.qemu', problem: 'having both an image and an initrd defined in the configuration file is not supported' }];
  }
  if (image !== '' || initrd !== '') return [];
  return [{ key: 'hypervisor.qemu', problem: 'Either initrd or image must be set to a valid path' }];
}

/** Reads, checks and resolves the configuration. @throws ConfigurationError naming every problem at once */
export function loadConfiguration(named: string | undefined, defaults: readonly string[]): LoadedConfiguration {
  const path = findFile(named, defaults);
  const parsed = parseConfiguration(...[path, ...dropIns(path)].map(readText));
  const problems = [...parsed.problems];
  const { configuration } = parsed;
  const resolved = {
    hypervisor: resolveTable('hypervisor.qemu', configuration.hypervisor, problems),
    proxy: resolveTable('proxy.kata', configuration.proxy, problems),
    shim: resolveTable('shim.kata', configuration.shim, problems),
    agent: configuration.agent,
    runtime: configuration.runtime,
    factory: configuration.factory,
  };
  problems.push(...checkRoot(resolved.hypervisor));
  if (problems.length > 0) throw new ConfigurationError(path, problems);
  return { path, configuration: resolved, warnings: parsed.warnings };
}

/** Finds, reads and checks the files of the configuration, and resolves links. */
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { ConfigurationError } from '@kata-containers/common/errors/kata-error';
import type { ConfigurationProblem } from '@kata-containers/common/errors/kata-error';
import { imageProblems } from './check-image.ts';
import { memoryProblems } from './check-memory.ts';
import { parseConfiguration, problemAt } from './parse-configuration.ts';
import type { ConfigurationText, Origins } from './parse-configuration.ts';
import { schema } from './schema.ts';
import type { Key } from './key.ts';
import type { Configuration, HypervisorConfiguration } from './schema.ts';

export interface LoadedConfiguration {
  /** configuration.toml, or the first drop-in if configuration.toml does not exist. */
  readonly path: string;
  /** Every file that was read, in the order in which they apply. */
  readonly files: readonly string[];
  readonly configuration: Configuration;
  /** Position of each key that a file sets. */
  readonly origins: Origins;
  readonly warnings: readonly string[];
}

const NOT_FOUND = 'the file does not exist';

function readText(path: string): ConfigurationText {
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new ConfigurationError(path, [{ key: '', problem: `cannot be read (${errorCode(error) ?? 'unknown'})` }]);
  }
}

/** Files of config.d in this directory, sorted by name: packages and administrators change single keys with them. */
function dropIns(directory: string): string[] {
  const inside = join(directory, 'config.d');
  const names = existsSync(inside) ? readdirSync(inside).filter((name) => name.endsWith('.toml')) : [];
  return names.sort().map((name) => join(inside, name));
}

/**
 * The configuration file, then its drop-ins. For a default path, the drop-ins of all default paths with higher priority are included:
 * drop-ins in /etc also change the package's file.
 * @throws ConfigurationError without any file
 */
function findFiles(named: string | undefined, defaults: readonly string[]): string[] {
  const path = named ?? defaults.find((candidate) => existsSync(candidate));
  if (named !== undefined && !existsSync(named)) throw new ConfigurationError(named, [{ key: '', problem: NOT_FOUND }]);
  const before = named !== undefined ? [] : defaults.slice(0, path === undefined ? undefined : defaults.indexOf(path) + 1).toReversed();
  const real = path === undefined ? [] : [realpathSync(path)];
  const directories = new Set([...real, ...before].map((file) => dirname(file)));
  const files = [...real, ...[...directories].flatMap(dropIns)];
  if (files.length === 0) throw new ConfigurationError(defaults.join(' or '), [{ key: '', problem: NOT_FOUND }]);
  return files;
}

const NO_ORIGINS: Origins = new Map();

/** Devices such as /dev/urandom have no size. */
function isEmptyFile(path: string): boolean {
  const file = statSync(path);
  return file.isFile() && file.size === 0;
}

/** Resolves links, so that an upgrade does not change the files of a running VM. */
function resolveTable<T extends Readonly<Record<string, unknown>>>(
  name: keyof typeof schema,
  table: T,
  problems: ConfigurationProblem[],
  origins: Origins = NO_ORIGINS,
): T {
  const keys: Readonly<Record<string, Key>> = schema[name];
  const resolved = Object.entries(table).map(([key, value]): [string, unknown] => {
    if (keys[key]?.mustExist !== true || typeof value !== 'string') return [key, value];
    const places = value === '' ? (keys[key].places ?? []) : [value];
    const found = places.find((place) => existsSync(place));
    if (found !== undefined) {
      if (isEmptyFile(found)) problems.push(problemAt(origins, `${name}.${key}`, `${found} is empty: install it again`));
      return [key, realpathSync(found)];
    }
    const missing = places.length > 1 ? `none of ${places.join(', ')} exists` : `${value} is missing`;
    if (places.length > 0) problems.push(problemAt(origins, `${name}.${key}`, missing));
    return [key, value];
  });
  return Object.fromEntries(resolved) as T;
}

/** Image and initrd exclude each other; a built-in default does not count. */
function rootProblems({ image, initrd }: HypervisorConfiguration): ConfigurationProblem[] {
  if (image !== '' && initrd !== '') {
    return [{ key: 'hypervisor.qemu', problem: 'having both an image and an initrd defined in the configuration file is not supported' }];
  }
  if (image !== '' || initrd !== '') return [];
  return [{ key: 'hypervisor.qemu', problem: 'Either initrd or image must be set to a valid path' }];
}

/** The hypervisor's table with resolved links. Adds values that contradict each other or the host to `problems`. */
export function resolveHypervisor(
  table: HypervisorConfiguration,
  problems: ConfigurationProblem[],
  origins: Origins = NO_ORIGINS,
): HypervisorConfiguration {
  const resolved = resolveTable('hypervisor.qemu', table, problems, origins);
  const at = (key: string, found: readonly string[]): ConfigurationProblem[] =>
    found.map((problem) => problemAt(origins, `hypervisor.qemu.${key}`, problem));
  const { default_memory: memory, image } = resolved;
  problems.push(...rootProblems(resolved), ...at('default_memory', memoryProblems(memory)), ...at('image', imageProblems(image)));
  return resolved;
}

/** Reads, checks and resolves the configuration. @throws ConfigurationError naming every problem at once */
export function loadConfiguration(named: string | undefined, defaults: readonly string[]): LoadedConfiguration {
  const files = findFiles(named, defaults);
  const [path = ''] = files;
  const { configuration, origins, warnings, ...parsed } = parseConfiguration(...files.map(readText));
  const problems = [...parsed.problems];
  const unreadable = problems.filter(({ key }) => key === '');
  if (unreadable.length > 0) throw new ConfigurationError(path, unreadable); // what the rest of such a file sets is not known
  const resolved = {
    hypervisor: resolveHypervisor(configuration.hypervisor, problems, origins),
    proxy: resolveTable('proxy.kata', configuration.proxy, problems, origins),
    shim: resolveTable('shim.kata', configuration.shim, problems, origins),
    agent: configuration.agent,
    runtime: configuration.runtime,
    factory: configuration.factory,
  };
  if (problems.length > 0) throw new ConfigurationError(path, problems);
  return { path, files, configuration: resolved, origins, warnings };
}

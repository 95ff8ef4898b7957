/** The effective configuration, each value with its origin, as TOML or as an object for JSON. Pure. */
import { dirname, relative } from 'node:path';
import { placeText } from '../../configuration/parse-configuration.ts';
import type { Origins } from '../../configuration/parse-configuration.ts';
import type { LoadedConfiguration } from '../../configuration/load-configuration.ts';
import { schema } from '../../configuration/schema.ts';
import type { Key } from '../../configuration/key.ts';
import type { Configuration } from '../../configuration/schema.ts';

/** A program whose path is empty and that was not found. */
const FOUND = 'default, the first that exists';

interface EffectiveValue {
  readonly value: unknown;
  /** `FILE:LINE:COLUMN` or `default`. */
  readonly origin: string;
}

/** The field of a Configuration that has a table of the file. */
const tableOf = (configuration: Configuration, name: string): Readonly<Record<string, unknown>> =>
  configuration[(name.split('.')[0] ?? name) as keyof Configuration];

function originOf(name: string, definition: Key, value: unknown, origins: Origins): string {
  const origin = origins.get(name);
  if (origin && origin.place?.text !== '""') return placeText(origin, 'key');
  const wasFound = definition.places !== undefined && definition.default === '' && value !== '';
  if (wasFound) return FOUND;
  return origin ? placeText(origin, 'key') : 'default';
}

/** Keys without an effect are left out. */
export function effectiveValues({ configuration, origins }: LoadedConfiguration): Record<string, Record<string, EffectiveValue>> {
  const tables = Object.entries(schema).map(([name, keys]) => {
    const values = tableOf(configuration, name);
    const rows = Object.entries(keys as Readonly<Record<string, Key>>).filter(([, { withoutEffect }]) => withoutEffect === undefined);
    const entries = rows.map(([key, definition]): [string, EffectiveValue] => {
      const value = values[key];
      return [key, { value, origin: originOf(`${name}.${key}`, definition, value, origins) }];
    });
    return [name, Object.fromEntries(entries)] as const;
  });
  return Object.fromEntries(tables);
}

const ORIGIN_COLUMN = 44;

/** Origins are relative to the directory of the first file, so that a line fits a terminal. */
export function effectiveToml(loaded: LoadedConfiguration): string {
  const directory = dirname(loaded.path);
  const short = (origin: string): string => (origin.startsWith(`${directory}/`) ? relative(directory, origin) : origin);
  const files = loaded.files.map((file) => `# read: ${file}`);
  const tables = Object.entries(effectiveValues(loaded)).map(([name, values]) => {
    const rows = Object.entries(values).map(([key, { value, origin }]) => {
      const assignment = `${key} = ${JSON.stringify(value).replaceAll('","', '", "')}`;
      return `${assignment.padEnd(ORIGIN_COLUMN)} # ${short(origin)}`;
    });
    return `\n[${name}]\n${rows.join('\n')}`;
  });
  return `${[...files, ...tables].join('\n')}\n`;
}

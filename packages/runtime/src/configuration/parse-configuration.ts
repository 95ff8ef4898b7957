/** Parses configuration.toml to a Configuration. Pure: the loader checks whether files exist. */
import { TomlError, parse } from 'smol-toml';
import type { ConfigurationProblem } from '@kata-containers/common/errors/kata-error';
import { nearest } from './nearest-name.ts';
import { isPlainObject } from '../json/is-plain-object.ts';
import { keyPlaces } from './key-places.ts';
import type { Place } from './key-places.ts';
import type { PlainObject } from '../json/is-plain-object.ts';
import { ignoredTables, schema } from './schema.ts';
import type { Key } from './key.ts';
import type { Configuration } from './schema.ts';

type TableName = keyof typeof schema;

/** One file of the configuration. */
export interface ConfigurationText {
  readonly path: string;
  readonly text: string;
}

/** The file that sets a key, and where in it. */
export interface Origin {
  readonly file: string;
  /** undefined for a key inside an inline table. */
  readonly place: Place | undefined;
}

/** `hypervisor.qemu.path` → origin of the value; a default value has none. */
export type Origins = ReadonlyMap<string, Origin>;

export interface ParsedConfiguration {
  readonly configuration: Configuration;
  readonly problems: readonly ConfigurationProblem[];
  /** Valid settings that are probably mistakes, each with file, line and column. */
  readonly warnings: readonly string[];
  readonly origins: Origins;
}

const fits: Record<Key['kind'], (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value),
  strings: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
};
const named: Record<Key['kind'], string> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  strings: 'a list of strings',
};

/** The problem of a value, or undefined. */
export function problemOf(key: Key, value: unknown): string | undefined {
  const [inUnit, unit] = key.unit === undefined ? ['', ''] : [` of ${key.unit}`, ` ${key.unit}`];
  if (!fits[key.kind](value)) return `must be ${named[key.kind]}${inUnit}`;
  if (key.oneOf && !key.oneOf.includes(String(value))) return `must be one of ${key.oneOf.join(', ')}`;
  if (key.format?.pattern.test(String(value)) === false) return key.format.text;
  if (value === key.special) return undefined;
  if (key.minimum !== undefined && Number(value) < key.minimum) return `must be at least ${key.minimum}${unit}`;
  if (key.maximum !== undefined && Number(value) > key.maximum) return `must be at most ${key.maximum}${unit}`;
  return undefined;
}

/** `FILE:LINE:COLUMN`, which editors open. */
export function placeText({ file, place }: Origin, part: 'key' | 'value'): string {
  if (!place) return file;
  return `${file}:${place.line}:${part === 'key' ? place.keyColumn : place.valueColumn}`;
}

/** A problem of a key's value, with its position if a file sets it. */
export function problemAt(origins: Origins, key: string, problem: string): ConfigurationProblem {
  const origin = origins.get(key);
  if (!origin) return { key, problem };
  const { place } = origin;
  return { key, problem, place: placeText(origin, 'value'), ...(place && { text: place.text }) };
}

function tableAt(root: PlainObject, name: string): PlainObject {
  const found = name.split('.').reduce<unknown>((table, part) => (isPlainObject(table) ? table[part] : undefined), root);
  return isPlainObject(found) ? found : {};
}

/** Results that are collected while tables are read. */
interface Findings {
  readonly problems: ConfigurationProblem[];
  readonly warnings: string[];
  readonly origins: Origins;
}

/** `PLACE: text`, for a key or table that a file has. */
function warnAt({ warnings, origins }: Findings, name: string, text: string): void {
  const origin = origins.get(name);
  warnings.push(origin ? `${placeText(origin, 'key')}: ${text}` : text);
}

/** Reads one table; adds errors to `problems`, and unknown keys to `warnings`. */
function readTable(name: TableName, given: PlainObject, findings: Findings): PlainObject {
  const keys: Readonly<Record<string, Key>> = schema[name];
  for (const unknown of Object.keys(given).filter((key) => !Object.hasOwn(keys, key))) {
    const meant = nearest(unknown, Object.keys(keys));
    const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
    warnAt(findings, `${name}.${unknown}`, `unknown key ${name}.${unknown}${hint}`);
  }
  const entries = Object.entries(keys).map(([key, definition]): [string, unknown] => {
    const value = given[key] ?? definition.default;
    const problem = problemOf(definition, value);
    if (problem !== undefined) findings.problems.push(problemAt(findings.origins, `${name}.${key}`, problem));
    else if (definition.withoutEffect !== undefined && JSON.stringify(value) !== JSON.stringify(definition.default))
      warnAt(findings, `${name}.${key}`, `${name}.${key} has no effect: ${definition.withoutEffect}`);
    return [key, problem === undefined ? value : definition.default];
  });
  return Object.fromEntries(entries);
}

/** Names of all tables and of their parents: `hypervisor.qemu` and `hypervisor`. */
const knownTables: readonly string[] = [...Object.keys(schema), ...ignoredTables].flatMap((name) => [name, name.split('.')[0] ?? name]);

function warnOfTables(root: PlainObject, findings: Findings): void {
  const isKnown = (name: string): boolean => knownTables.includes(name) || ignoredTables.includes(name.split('.')[0] ?? '');
  const names = Object.entries(root).flatMap(([name, value]) => {
    if (!isPlainObject(value) || !isKnown(name) || Object.hasOwn(schema, name)) return [name];
    return Object.keys(value).map((inner) => `${name}.${inner}`);
  });
  for (const name of names.filter((candidate) => !isKnown(candidate))) {
    const meant = nearest(name, Object.keys(schema));
    warnAt(findings, name, `unknown table ${name}${meant === undefined ? '' : `: did you mean ${meant}?`}`);
  }
}

/** smol-toml's message without its heading and its picture of the line. */
function tomlProblem({ path, text }: ConfigurationText, error: unknown): ConfigurationProblem {
  if (!(error instanceof TomlError)) return { key: '', problem: 'is not TOML', place: path };
  const message = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
  const line = text.split(/\r?\n/)[error.line - 1]?.trim() ?? '';
  return { key: '', problem: `is not TOML: ${message}`, place: `${path}:${error.line}:${error.column}`, text: line };
}

function readToml(file: ConfigurationText, problems: ConfigurationProblem[]): PlainObject {
  try {
    return parse(file.text) as PlainObject;
  } catch (error) {
    problems.push(tomlProblem(file, error));
    return {};
  }
}

/** `over` on top of `base`: tables are merged, everything else is replaced. */
function merge(base: PlainObject, over: PlainObject): PlainObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    merged[name] = isPlainObject(value) && isPlainObject(below) ? merge(below, value) : value;
  }
  return merged;
}

/** Names of the tables with keys, and of their parents. */
const tableNames: ReadonlySet<string> = new Set(Object.keys(schema).flatMap((name) => [name, name.split('.')[0] ?? name]));

/** `table` without values where a table is expected: a value would hide the tables of all other files. */
const withoutValues = (table: PlainObject, tell: (name: string) => void, prefix = ''): PlainObject =>
  Object.fromEntries(
    Object.entries(table).flatMap(([key, value]): [string, unknown][] => {
      const name = `${prefix}${key}`;
      if (!tableNames.has(name)) return [[key, value]];
      if (isPlainObject(value)) return [[key, withoutValues(value, tell, `${name}.`)]];
      tell(name);
      return [];
    }),
  );

/** Full names of the keys and tables of `table`. */
const namesIn = (table: PlainObject, prefix = ''): string[] =>
  Object.entries(table).flatMap(([name, value]) => [
    `${prefix}${name}`,
    ...(isPlainObject(value) ? namesIn(value, `${prefix}${name}.`) : []),
  ]);

/** Positions are computed at the first request: a file without problems needs none, and each container reads the files three times. */
function originsOf(file: ConfigurationText, table: PlainObject): [name: string, origin: Origin][] {
  let places: ReadonlyMap<string, Place> | undefined;
  const placeOf = (name: string): Place | undefined => (places ??= keyPlaces(file.text)).get(name);
  return namesIn(table).map((name) => [
    name,
    {
      file: file.path,
      get place() {
        return placeOf(name);
      },
    },
  ]);
}

/**
 * configuration.toml and the files that change it, in that order. Never throws: a text that is not TOML is one more problem.
 */
export function parseConfiguration(...files: readonly ConfigurationText[]): ParsedConfiguration {
  const problems: ConfigurationProblem[] = [];
  const warnings: string[] = [];
  const tables = files.map((file) => {
    const given = readToml(file, problems);
    const tell = (name: string): unknown => problems.push(problemAt(new Map(originsOf(file, given)), name, 'must be a table'));
    return { file, table: withoutValues(given, tell) };
  });
  const origins = new Map(tables.flatMap(({ file, table }) => originsOf(file, table)));
  const root = tables.map(({ table }) => table).reduce(merge, {});
  const findings = { problems, warnings, origins };
  const read = (name: TableName): PlainObject => readTable(name, tableAt(root, name), findings);
  const known = { hypervisor: read('hypervisor.qemu'), proxy: read('proxy.kata'), shim: read('shim.kata'), agent: read('agent.kata') };
  const configuration = { ...known, runtime: read('runtime'), factory: read('factory') } as unknown as Configuration;
  warnOfTables(root, findings);
  return { configuration, problems, warnings, origins };
}

/** configuration.toml, from text to a Configuration. Pure: whether files exist is the loader's question. */
import { parse } from 'smol-toml';
import type { ConfigurationProblem } from '@kata-containers/common/errors/kata-error';
import { nearest } from './nearest-name.ts';
import { isTable } from '../json/is-table.ts';
import type { Table } from '../json/is-table.ts';
import { ignoredTables, schema } from './schema.ts';
import type { Configuration, Key } from './schema.ts';

type TableName = keyof typeof schema;

export interface ParsedConfiguration {
  readonly configuration: Configuration;
  readonly problems: readonly ConfigurationProblem[];
  /** Things that work but are probably not meant, for the log. */
  readonly warnings: readonly string[];
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

/** What is wrong with a value, or undefined. */
export function problemOf(key: Key, value: unknown): string | undefined {
  if (!fits[key.kind](value)) return `must be ${named[key.kind]}`;
  if (key.oneOf && !key.oneOf.includes(String(value))) return `must be one of ${key.oneOf.join(', ')}, not "${String(value)}"`;
  if (key.minimum !== undefined && Number(value) < key.minimum) return `must be at least ${key.minimum}`;
  if (key.maximum !== undefined && Number(value) > key.maximum) return `must be at most ${key.maximum}`;
  return undefined;
}

function tableAt(root: Table, name: string): Table {
  const found = name.split('.').reduce<unknown>((table, part) => (isTable(table) ? table[part] : undefined), root);
  return isTable(found) ? found : {};
}

/** Reads one table; what is wrong goes to `problems`, unknown keys to `warnings`. */
function readTable(name: TableName, given: Table, problems: ConfigurationProblem[], warnings: string[]): Table {
  const keys: Readonly<Record<string, Key>> = schema[name];
  for (const unknown of Object.keys(given).filter((key) => !(key in keys))) {
    const meant = nearest(unknown, Object.keys(keys));
    warnings.push(`unknown key ${name}.${unknown}${meant === undefined ? '' : `: did you mean ${meant}?`}`);
  }
  const entries = Object.entries(keys).map(([key, definition]): [string, unknown] => {
    const value = given[key] ?? definition.default;
    const problem = problemOf(definition, value);
    if (problem !== undefined) problems.push({ key: `${name}.${key}`, problem });
    else if (definition.withoutEffect !== undefined && JSON.stringify(value) !== JSON.stringify(definition.default))
      warnings.push(`${name}.${key} has no effect: ${definition.withoutEffect}`);
    return [key, problem === undefined ? value : definition.default];
  });
  return Object.fromEntries(entries);
}

function unknownTables(root: Table): string[] {
  const known = new Set([...Object.keys(schema), ...ignoredTables].map((name) => name.split('.')[0]));
  return Object.keys(root).filter((name) => !known.has(name));
}

function readToml(text: string, problems: ConfigurationProblem[]): Table {
  try {
    return parse(text) as Table;
  } catch (error) {
    problems.push({ key: '', problem: `is not TOML: ${error instanceof Error ? error.message.split('\n')[0] : ''}` });
    return {};
  }
}

/** `over` on top of `base`: tables are merged, everything else is replaced. */
function merge(base: Table, over: Table): Table {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    merged[name] = isTable(value) && isTable(below) ? merge(below, value) : value;
  }
  return merged;
}

/**
 * Texts of configuration.toml and of what changes it, in that order. Never throws: a text that is not TOML is one more problem.
 */
export function parseConfiguration(...texts: readonly string[]): ParsedConfiguration {
  const problems: ConfigurationProblem[] = [];
  const warnings: string[] = [];
  const root = texts.map((text) => readToml(text, problems)).reduce(merge, {});
  const read = (name: TableName): Table => readTable(name, tableAt(root, name), problems, warnings);
  const tables = { hypervisor: read('hypervisor.qemu'), proxy: read('proxy.kata'), shim: read('shim.kata'), agent: read('agent.kata') };
  const configuration = { ...tables, runtime: read('runtime'), factory: read('factory') } as unknown as Configuration;
  for (const name of unknownTables(root)) warnings.push(`unknown table ${name}`);
  return { configuration, problems, warnings };
}

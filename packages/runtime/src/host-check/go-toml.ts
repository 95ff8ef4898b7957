/** TOML in the format of Go's BurntSushi/toml: two blanks for each level, values before tables, a blank line before each top-level table. Pure. */
import { isPlainObject } from '../json/is-plain-object.ts';
import type { PlainObject } from '../json/is-plain-object.ts';

/** JSON strings are TOML basic strings, and lists of them TOML lists. */
const scalar = (value: unknown): string => (Array.isArray(value) ? `[${value.map(scalar).join(', ')}]` : JSON.stringify(value));

function lines(table: PlainObject, path: readonly string[]): string[] {
  const indent = '  '.repeat(path.length);
  const entries = Object.entries(table).filter(([, value]) => value !== null && value !== undefined);
  const values = entries.filter(([, value]) => !isPlainObject(value)).map(([key, value]) => `${indent}${key} = ${scalar(value)}`);
  const tables = entries.flatMap(([key, value]) => {
    if (!isPlainObject(value)) return [];
    const inner = [...path, key];
    return [...(path.length === 0 ? [''] : []), `${indent}[${inner.join('.')}]`, ...lines(value, inner)];
  });
  return [...values, ...tables];
}

export const goToml = (table: PlainObject): string => `${lines(table, []).join('\n').trimStart()}\n`;

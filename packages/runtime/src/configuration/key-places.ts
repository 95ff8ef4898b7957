/** Positions of the keys of a TOML text: smol-toml returns values without positions. Pure. */

export interface Place {
  /** Counted from 1, as in editors. */
  readonly line: number;
  /** Column of the key, from 1. */
  readonly keyColumn: number;
  /** Column of the value, or of the key for a table. */
  readonly valueColumn: number;
  /** The first line of the value as written. */
  readonly text: string;
}

const LONGEST_TEXT = 60;
const PART = String.raw`(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')`;
const DOTTED = String.raw`${PART}(?:\s*\.\s*${PART})*`;
const TABLE = new RegExp(String.raw`^(\s*\[+\s*)(${DOTTED})\s*\]`);
const ASSIGNMENT = new RegExp(String.raw`^(\s*)(${DOTTED})(\s*=\s*)(.*)$`);
/** A quoted string, or a comment that ends the line. */
const STRING_OR_COMMENT = /("(?:\\.|[^"\\])*"|'[^']*')|(\s*#.*)/g;
const TRIPLE = /"""|'''/g;

/** `a."b" . c` as `a.b.c`. */
const pathOf = (dotted: string): string =>
  [...dotted.matchAll(new RegExp(PART, 'g'))].map(([part]) => part.replace(/^(["'])(.*)\1$/, '$2')).join('.');

function shortened(value: string): string {
  const text = value.replaceAll(STRING_OR_COMMENT, (_, quoted: string | undefined) => quoted ?? '').trimEnd();
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** Keys and tables by their full names, `hypervisor.qemu.path`. Keys inside inline tables are left out. */
export function keyPlaces(text: string): Map<string, Place> {
  const places = new Map<string, Place>();
  let [table, isInString] = ['', false];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const opensOrCloses = [...line.matchAll(TRIPLE)].length % 2 === 1;
    const [wasInString, number] = [isInString, index + 1];
    if (opensOrCloses) isInString = !isInString;
    if (wasInString) continue;
    const [, before = '', name] = TABLE.exec(line) ?? [];
    if (name !== undefined) {
      table = pathOf(name);
      const column = before.length + 1;
      places.set(table, { line: number, keyColumn: column, valueColumn: column, text: line.trim() });
      continue;
    }
    const [, indent = '', key, equals = '', value = ''] = ASSIGNMENT.exec(line) ?? [];
    if (key === undefined) continue;
    const keyColumn = indent.length + 1;
    const valueColumn = keyColumn + key.length + equals.length;
    places.set([table, pathOf(key)].filter(Boolean).join('.'), { line: number, keyColumn, valueColumn, text: shortened(value) });
  }
  return places;
}

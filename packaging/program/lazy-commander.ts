import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Modules that commander imports but its users here hardly need: programs for its sub-commands, which we do not have, and colours in help
 * texts. Short commands that load neither these nor node:tty and node:crypto take a quarter less CPU time (ADR 16).
 */
const childProcess = ["import childProcess from 'node:child_process';", 'const childProcess = {};'] as const;
const util = [
  "import { stripVTControlCharacters } from 'node:util';",
  "const stripVTControlCharacters = (text) => process.getBuiltinModule('node:util').stripVTControlCharacters(text);",
] as const;

/** Imports of each of commander's files, with the statement that replaces each. */
const replacements: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'command.js': [childProcess, util],
  'help.js': [util],
};

/** @throws Error when commander has changed */
function replaceIn(path: string): string {
  const source = readFileSync(path, 'utf8');
  return (replacements[basename(path)] ?? []).reduce((text, [statement, replacement]) => {
    if (!text.includes(statement)) throw new Error(`${path} does not have the line "${statement}", which is replaced`);
    return text.replace(statement, replacement);
  }, source);
}

/** A plugin for esbuild, and for Bun, which has the same API but does not pass on the imports of Node's modules. */
export const lazyCommander: Plugin = {
  name: 'lazy-commander',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/commander\/lib\/(command|help)\.js$/ }, ({ path }) => ({ contents: replaceIn(path), loader: 'js' }));
  },
};

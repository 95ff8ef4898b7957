/** The imports of files by file: relative paths, and `@kata-containers/PACKAGE/FILE`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Rule } from 'eslint';

const STATIC = /^\s*(?:import (?:[^'"]*? from )?|export [^'"]*? from )'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

interface ImportNode {
  readonly source?: { readonly value?: unknown } | null;
}

/** The file that an import names; undefined for npm packages and Node's modules. */
function targetOf(file: string, path: string): string | undefined {
  if (path.startsWith('.')) return path.endsWith('.ts') ? join(dirname(file), path) : undefined;
  const [, name, target] = /^@kata-containers\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const [repository, inPackages] = file.split(`${sep}packages${sep}`);
  if (name === undefined || target === undefined || repository === undefined || inPackages === undefined) return undefined;
  return join(repository, 'packages', name, 'src', `${target}.ts`);
}

/** Calls `check` for each file that the linted file imports or re-exports. */
export function onImports(context: Rule.RuleContext, check: (target: string, node: Rule.Node) => void): Rule.RuleListener {
  const visit = (node: Rule.Node): void => {
    const { value } = (node as unknown as ImportNode).source ?? {};
    const target = typeof value === 'string' ? targetOf(context.filename, value) : undefined;
    if (target !== undefined) check(target, node);
  };
  return { ImportDeclaration: visit, ExportNamedDeclaration: visit, ExportAllDeclaration: visit, ImportExpression: visit };
}

export interface FileImports {
  readonly static: readonly string[];
  /** By `import()`. */
  readonly dynamic: readonly string[];
}

const importsOf = new Map<string, FileImports>();

/** The files that a file imports, read once. */
export function importsOfFile(file: string): FileImports {
  const known = importsOf.get(file);
  if (known) return known;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const targets = (pattern: RegExp): string[] => [...text.matchAll(pattern)].flatMap(([, path = '']) => targetOf(file, path) ?? []);
  const found = { static: targets(STATIC), dynamic: targets(DYNAMIC) };
  importsOf.set(file, found);
  return found;
}

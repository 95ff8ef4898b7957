/** Two eslint rules: no import cycles of files, and none of folders. */
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Rule } from 'eslint';
import { importsOfFile, onImports } from './imports.ts';

const NOT_SOURCES = ['node_modules', 'dist', 'generated', 'stage'];

/** True when `next` leads from `from` to `wanted`, directly or indirectly. */
function reaches<T>(from: T, wanted: T, next: (place: T) => Iterable<T>, seen = new Set<T>()): boolean {
  if (from === wanted) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  for (const place of next(from)) if (reaches(place, wanted, next, seen)) return true;
  return false;
}

function sourcesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || NOT_SOURCES.includes(entry.name) ? [] : sourcesIn(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

type Folders = ReadonlyMap<string, ReadonlySet<string>>;
const foldersOf = new Map<string, Folders>();

/** The folders of a repository, each with the folders that its files import, read once. */
function importsOfFolders(repository: string): Folders {
  const known = foldersOf.get(repository);
  if (known) return known;
  const folders = new Map<string, Set<string>>();
  for (const file of sourcesIn(repository)) {
    const imported = folders.get(dirname(file)) ?? new Set();
    for (const target of [...importsOfFile(file).static, ...importsOfFile(file).dynamic]) imported.add(dirname(target));
    folders.set(dirname(file), imported);
  }
  foldersOf.set(repository, folders);
  return folders;
}

export const noCycles: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      if (node.type === 'ImportExpression' || !reaches(target, context.filename, (file) => importsOfFile(file).static)) return;
      const message = `${relative(context.cwd, target)} imports this file directly or indirectly: files in an import cycle cannot be read or tested separately.`;
      context.report({ node, message });
    }),
};

export const noFolderCycles: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      const [from, to] = [dirname(context.filename), dirname(target)];
      if (from === to || !reaches(to, from, (folder) => importsOfFolders(context.cwd).get(folder) ?? [])) return;
      const message = `Files in ${relative(context.cwd, to)} import files in this folder directly or indirectly: move one of the files, so that a file's folder tells what it may import and who imports it.`;
      context.report({ node, message });
    }),
};

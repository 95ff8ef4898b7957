/** Two rules of eslint on who may import whom: the floors of kata-runtime, and no circles between files of a package. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Rule } from 'eslint';

/** Upper floors import lower ones. Every other folder of the runtime is a leaf, below all of them. */
const floors = ['cli', 'sandbox', 'factory', 'vm', 'undo', 'state'];
const LEAF = floors.length;
const IMPORT = /^\s*(?:import|export)\b[^'"]*?from '(\.[^']+\.ts)'/gm;

interface ImportNode {
  readonly source?: { readonly value?: unknown } | null;
}

const rankOf = (file: string): number => {
  const folder = /packages\/runtime\/src\/([^/]+)\//.exec(file)?.[1] ?? '';
  const index = floors.indexOf(folder);
  return index === -1 ? LEAF : index;
};

function targetOf(file: string, node: ImportNode): string | undefined {
  const { value } = node.source ?? {};
  return typeof value === 'string' && value.startsWith('.') ? join(dirname(file), value) : undefined;
}

/** Calls `check` for each file that an import or re-export of the linted file names by a relative path. */
function onImports(context: Rule.RuleContext, check: (target: string, node: Rule.Node) => void): Rule.RuleListener {
  const visit = (node: Rule.Node): void => {
    const target = targetOf(context.filename, node as unknown as ImportNode);
    if (target !== undefined) check(target, node);
  };
  return { ImportDeclaration: visit, ExportNamedDeclaration: visit, ExportAllDeclaration: visit, ImportExpression: visit };
}

const runtimeFloors: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      if (!context.filename.includes('packages/runtime/src/') || !target.includes('packages/runtime/src/')) return;
      if (!/packages\/runtime\/src\/[^/]+\//.test(context.filename)) return; // main.ts
      if (rankOf(target) >= rankOf(context.filename)) return;
      const message = `${relative(process.cwd(), target)} is on a higher floor: ${floors.join(' → ')} → leaves. A folder says what a file may import and who calls it.`;
      context.report({ node, message });
    }),
};

const importsOf = new Map<string, readonly string[]>();

function imports(file: string): readonly string[] {
  const known = importsOf.get(file);
  if (known) return known;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const found = [...text.matchAll(IMPORT)].map(([, path = '']) => join(dirname(file), path));
  importsOf.set(file, found);
  return found;
}

/** True when `file` imports `wanted`, itself or through others. */
function reaches(file: string, wanted: string, seen = new Set<string>()): boolean {
  if (file === wanted) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return imports(file).some((next) => reaches(next, wanted, seen));
}

const noCircles: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      if (node.type === 'ImportExpression' || !reaches(target, context.filename)) return;
      const message = `${relative(process.cwd(), target)} imports this file, itself or through others: files in a circle cannot be read or tested one at a time.`;
      context.report({ node, message });
    }),
};

export const floorsPlugin = { rules: { 'runtime-floors': runtimeFloors, 'no-circles': noCircles } };

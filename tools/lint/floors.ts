/** Two eslint rules for imports: the floors of each package, and no import cycles. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Rule } from 'eslint';

/**
 * The folders of each package, from the highest floor to the lowest. A file imports from its own folder and from lower floors;
 * folders on the same floor do not import each other.
 */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  runtime: [
    ['cli'],
    ['sandbox'],
    ['factory'],
    ['vm'],
    ['undo'],
    ['state'],
    ['agent'],
    ['host-check', 'network', 'processes', 'storage'],
    ['context'],
    ['hypervisor', 'tracing'],
    ['bundle', 'configuration'],
    ['host-cgroup', 'json', 'mounts', 'sizing'],
  ],
  agent: [
    ['channel'],
    ['service'],
    ['containers', 'network'],
    ['devices', 'dns', 'guest', 'start-up', 'storage'],
    ['cgroups', 'errors', 'oci', 'processes', 'tracing'],
  ],
  common: [
    ['agent-api'],
    ['command-lines', 'confinement', 'grpc', 'logging'],
    ['http2', 'kernel', 'mux'],
    ['cgroups', 'dns', 'oci', 'process', 'tracing'],
    ['errors', 'generated'],
  ],
  'ksm-throttler': [['daemon'], ['status'], ['kernel', 'trigger'], ['process', 'schedule']],
};
const IMPORT = /^\s*(?:import|export)\b[^'"]*?from '(\.[^']+\.ts)'/gm;

interface ImportNode {
  readonly source?: { readonly value?: unknown } | null;
}

interface Place {
  readonly package: string;
  readonly folder: string;
}

/** Undefined for files outside a package's folders, for example `main.ts`: they may import every folder. */
function placeOf(file: string): Place | undefined {
  const [, name, folder] = /packages\/([^/]+)\/src\/([^/]+)\//.exec(file) ?? [];
  return name !== undefined && folder !== undefined && name in floors ? { package: name, folder } : undefined;
}

const rankOf = (place: Place): number => floors[place.package]?.findIndex((folders) => folders.includes(place.folder)) ?? -1;

/** The message about a forbidden import; undefined for an allowed import. */
function violation(from: Place, to: Place): string | undefined {
  if (from.package !== to.package || from.folder === to.folder) return undefined;
  for (const place of [from, to]) if (rankOf(place) === -1) return `${place.folder} has no floor: add it to tools/lint/floors.ts`;
  if (rankOf(to) > rankOf(from)) return undefined;
  const order = floors[from.package]?.map((folders) => folders.join(', ')).join(' → ');
  return `${to.folder} is not below ${from.folder}: ${order}. A file may import from lower floors only.`;
}

function targetOf(file: string, node: ImportNode): string | undefined {
  const { value } = node.source ?? {};
  return typeof value === 'string' && value.startsWith('.') ? join(dirname(file), value) : undefined;
}

/** Calls `check` for each file that the linted file imports or re-exports by a relative path. */
function onImports(context: Rule.RuleContext, check: (target: string, node: Rule.Node) => void): Rule.RuleListener {
  const visit = (node: Rule.Node): void => {
    const target = targetOf(context.filename, node as unknown as ImportNode);
    if (target !== undefined) check(target, node);
  };
  return { ImportDeclaration: visit, ExportNamedDeclaration: visit, ExportAllDeclaration: visit, ImportExpression: visit };
}

const floorsRule: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      const [from, to] = [placeOf(context.filename), placeOf(target)];
      const message = from && to && violation(from, to);
      if (message !== undefined) context.report({ node, message });
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

/** True when `file` imports `wanted` directly or indirectly. */
function reaches(file: string, wanted: string, seen = new Set<string>()): boolean {
  if (file === wanted) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return imports(file).some((next) => reaches(next, wanted, seen));
}

const noCycles: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      if (node.type === 'ImportExpression' || !reaches(target, context.filename)) return;
      const message = `${relative(process.cwd(), target)} imports this file directly or indirectly: files in an import cycle cannot be read or tested separately.`;
      context.report({ node, message });
    }),
};

export const floorsPlugin = { rules: { floors: floorsRule, 'no-cycles': noCycles } };

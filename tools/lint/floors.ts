/** An eslint rule: the floors of each package. */
import { dirname } from 'node:path';
import type { Rule } from 'eslint';
import { onImports } from './imports.ts';

/**
 * The folders of each package, from the highest floor to the lowest. A file imports from its own folder and from lower floors;
 * folders on the same floor do not import each other. A folder without an entry, for example `hypervisor/qmp`, belongs to the folder
 * above it.
 */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  runtime: [
    ['cli'],
    ['cli/verbs'],
    ['cli/input', 'cli/output'],
    ['sandbox'],
    ['factory'],
    ['factory/cache'],
    ['factory/templates'],
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
    ['command-lines', 'confinement', 'console', 'grpc', 'logging'],
    ['http2', 'kernel', 'mux'],
    ['cgroups', 'dns', 'oci', 'port-forward', 'process', 'tracing'],
    ['errors', 'generated', 'random'],
  ],
  'ksm-throttler': [['daemon'], ['status'], ['kernel', 'trigger'], ['process', 'schedule']],
};

interface Place {
  readonly package: string;
  readonly folder: string;
}

/** The floor folder that contains a folder; a folder without a floor is its own. */
function floorFolder(name: string, folder: string): string {
  const listed = floors[name]?.flat() ?? [];
  for (let above = folder; above !== '.'; above = dirname(above)) if (listed.includes(above)) return above;
  return folder;
}

/** Undefined for files outside a package's folders, for example `main.ts`: they may import every folder. */
function placeOf(file: string): Place | undefined {
  const [, name, folder] = /packages\/([^/]+)\/src\/(.+)\/[^/]+$/.exec(file) ?? [];
  return name !== undefined && folder !== undefined && name in floors ? { package: name, folder: floorFolder(name, folder) } : undefined;
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

export const floorsRule: Rule.RuleModule = {
  create: (context) =>
    onImports(context, (target, node) => {
      const [from, to] = [placeOf(context.filename), placeOf(target)];
      const message = from && to && violation(from, to);
      if (message !== undefined) context.report({ node, message });
    }),
};

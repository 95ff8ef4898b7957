/**
 * Annotations of a pod or container that change the configuration for its VM alone (`io.katacontainers.config.TABLE.KEY`). Their author may
 * not be the administrator of the host: `enable_annotations` must allow each hypervisor option, and a list of valid paths each path of a
 * program (CVE-2020-27151).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { matchesGlob } from 'node:path';
import { ConfigurationError, KataError } from '@kata-containers/common/errors/kata-error';
import type { ConfigurationProblem } from '@kata-containers/common/errors/kata-error';
import { resolveHypervisor } from './load-configuration.ts';
import { nearest } from './nearest-name.ts';
import { problemOf } from './parse-configuration.ts';
import { schema } from './schema.ts';
import type { Key } from './key.ts';
import type { Configuration, HypervisorConfiguration } from './schema.ts';

const PREFIX = 'io.katacontainers.config.';

/** A table's keys in the configuration, and those that annotations may change. */
const tables = {
  hypervisor: { name: 'hypervisor.qemu', keys: undefined },
  runtime: {
    name: 'runtime',
    keys: ['disable_guest_seccomp', 'sandbox_cgroup_only', 'experimental', 'internetworking_model', 'disable_new_netns'],
  },
  agent: { name: 'agent.kata', keys: ['kernel_modules'] },
} as const;
type TableName = keyof typeof tables;

/** 1.x's names of annotations that are not keys. */
const otherNames: Readonly<Record<string, string>> = { default_max_vcpus: 'default_maxvcpus' };
/** Keys that control annotations: no annotation changes them. */
const guards = [
  ...['enable_annotations', 'valid_hypervisor_paths', 'valid_virtio_fs_daemon_paths', 'valid_file_mem_backends'],
  ...['seccompsandbox', 'qemu_own_root', 'qemu_capabilities', 'qemu_unprivileged', 'qemu_device_cgroup', 'qemu_pids_cgroup'],
  'virtio_fs_sandbox',
  'virtio_fs_extra_args', // its arguments could share any directory (1.x accepts the annotation without effect)
];
/** Keys of paths on the host: 1.x's name in errors, and the key with the allowed paths. */
const guarded: Readonly<Record<string, readonly [thing: string, valid: keyof HypervisorConfiguration]>> = {
  path: ['hypervisor', 'valid_hypervisor_paths'],
  virtio_fs_daemon: ['virtiofs daemon', 'valid_virtio_fs_daemon_paths'],
  file_mem_backend: ['file memory backend', 'valid_file_mem_backends'],
};
/** Keys of files whose content `KEY_hash` can pin; the binary's hash has another name. */
const hashed: Readonly<Record<string, string>> = {
  kernel_hash: 'kernel',
  image_hash: 'image',
  initrd_hash: 'initrd',
  firmware_hash: 'firmware',
  hypervisor_hash: 'path',
};

const isHash = ({ table, name }: Change): boolean => table === 'hypervisor' && Object.hasOwn(hashed, name);

interface Change {
  readonly annotation: string;
  readonly table: TableName;
  /** Last part of the annotation's name. */
  readonly name: string;
  readonly value: string;
}

interface Changes {
  readonly changes: readonly Change[];
  /** Annotations that belong to none of the tables. */
  readonly strangers: readonly string[];
}

function readChanges(annotations: Readonly<Record<string, string>>): Changes {
  const ours = Object.entries(annotations).filter(([annotation]) => annotation.startsWith(PREFIX));
  const read = ours.map(([annotation, value]): Change | string => {
    const [table = '', name = '', ...rest] = annotation.slice(PREFIX.length).split('.');
    return Object.hasOwn(tables, table) && rest.length === 0 ? { annotation, table: table as TableName, name, value } : annotation;
  });
  return { changes: read.filter((item) => typeof item !== 'string'), strangers: read.filter((item) => typeof item === 'string') };
}

/** Names of the keys of a table that annotations may change. */
const changeable = (table: TableName): readonly string[] => tables[table].keys ?? Object.keys(schema[tables[table].name]);

function warningOf(annotation: string): string {
  const [table = '', ...rest] = annotation.slice(PREFIX.length).split('.');
  const meantTable = Object.hasOwn(tables, table) ? table : nearest(table, Object.keys(tables));
  const key = rest.join('.');
  const meantKey = meantTable === undefined ? undefined : nearest(key, changeable(meantTable as TableName));
  const hint =
    meantKey === undefined || annotation === `${PREFIX}${meantTable}.${meantKey}`
      ? ''
      : `: did you mean ${PREFIX}${meantTable}.${meantKey}?`;
  return `annotation ${annotation} matches no option that annotations can change${hint}`;
}

function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new KataError(`enable_annotations has "${pattern}", which is not a regular expression`, { cause: error });
  }
}

/** How to permit a hypervisor annotation, or the name that is probably meant. */
function enablingHint(name: string): string {
  if (guards.includes(name)) return ': no annotation can change this key';
  const keys = changeable('hypervisor');
  if (keys.includes(otherNames[name] ?? name) || Object.hasOwn(hashed, name))
    return `: no pattern of enable_annotations in [hypervisor.qemu] matches ${name}`;
  const meant = nearest(name, keys);
  return meant === undefined ? ': it matches no key of [hypervisor.qemu]' : `: did you mean ${PREFIX}hypervisor.${meant}?`;
}

/** @throws KataError for a hypervisor annotation that the configuration does not enable */
function requireEnabled({ annotation, table, name }: Change, enabled: readonly string[]): void {
  if (table !== 'hypervisor') return;
  if (guards.includes(name) || !enabled.some((pattern) => expression(pattern).test(name)))
    throw new KataError(`annotation ${annotation} is not enabled${enablingHint(name)}`);
}

function parseValue({ annotation, value, table }: Change, { kind }: Key): unknown {
  switch (kind) {
    case 'string':
      return value;
    case 'strings':
      return value
        .split(table === 'agent' ? ';' : /\s+/)
        .map((item) => item.trim())
        .filter(Boolean);
    case 'integer':
      if (!/^-?\d{1,9}$/.test(value)) throw new KataError(`Error parsing annotation for ${annotation}: Please specify a whole number`);
      return Number(value);
    case 'boolean':
      if (!/^(true|false)$/.test(value))
        throw new KataError(`Error parsing annotation for ${annotation}: Please specify boolean value 'true|false'`);
      return value === 'true';
  }
}

/** 1.x's own checks: more vCPUs than the host has CPUs are an error here; the configuration file's number is lowered. */
function requirePossible({ name, value, annotation }: Change, key: string, hypervisor: HypervisorConfiguration): void {
  const cpus = availableParallelism();
  if ((key === 'default_vcpus' || key === 'default_maxvcpus') && Number(value) > cpus)
    throw new KataError(`Number of cpus ${value} specified in annotation ${name} is greater than the number of CPUs ${cpus} on the system`);
  const [thing, valid] = guarded[key] ?? [];
  if (valid !== undefined && !(hypervisor[valid] as readonly string[]).some((glob) => matchesGlob(value, glob)))
    throw new KataError(`${thing} ${value} required from annotation is not valid`);
  if (key === 'internetworking_model' && !schema.runtime.internetworking_model.oneOf?.includes(value))
    throw new KataError(`Unknown network model specified in annotation ${annotation}`);
}

function read(change: Change, configuration: Configuration): { readonly key: string; readonly value: unknown } | undefined {
  const { table, annotation } = change;
  const key = otherNames[change.name] ?? change.name;
  const allowed: readonly string[] | undefined = tables[table].keys;
  const keys: Readonly<Record<string, Key>> = schema[tables[table].name];
  const definition = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (!definition || (allowed && !allowed.includes(key))) return undefined;
  const value = parseValue(change, definition);
  requirePossible(change, key, configuration.hypervisor);
  const problem = problemOf(definition, value);
  if (problem !== undefined) throw new KataError(`annotation ${annotation} = ${JSON.stringify(change.value)}: ${problem}`);
  return { key, value };
}

/** @throws KataError when a file does not have the hash */
function checkHash({ annotation, name, value }: Change, hypervisor: Readonly<Record<string, unknown>>): void {
  const path = String(hypervisor[hashed[name] ?? ''] ?? '');
  const found = path === '' ? '' : createHash('sha512').update(readFileSync(path)).digest('hex');
  if (found !== value.toLowerCase()) throw new KataError(`${path || 'no file'} does not have the SHA-512 of annotation ${annotation}`);
}

/** An image in an annotation replaces an initrd in the file, and vice versa. */
function withoutOther(own: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (own['image'] !== undefined && own['initrd'] === undefined) return { ...own, initrd: '' };
  if (own['initrd'] !== undefined && own['image'] === undefined) return { ...own, image: '' };
  return own;
}

export interface Annotated {
  readonly configuration: Configuration;
  readonly warnings: readonly string[];
}

/** @throws KataError for an annotation that is not enabled or invalid, ConfigurationError for missing files */
export function applyAnnotations(configuration: Configuration, annotations: Readonly<Record<string, string>>): Annotated {
  const own: Record<TableName, Record<string, unknown>> = { hypervisor: {}, runtime: {}, agent: {} };
  const { changes: all, strangers } = readChanges(annotations);
  const warnings = strangers.map(warningOf);
  if (all.length === 0) return { configuration, warnings };
  for (const change of all) {
    requireEnabled(change, configuration.hypervisor.enable_annotations);
    if (isHash(change)) continue;
    const found = read(change, configuration);
    if (found) own[change.table][found.key] = found.value;
    else warnings.push(warningOf(change.annotation));
  }
  const problems: ConfigurationProblem[] = [];
  const changed = { ...configuration.hypervisor, ...withoutOther(own.hypervisor) } as Configuration['hypervisor'];
  const hypervisor = resolveHypervisor(changed, problems);
  if (problems.length > 0) throw new ConfigurationError('by annotations', problems);
  for (const change of all) if (isHash(change)) checkHash(change, hypervisor);
  const runtime = { ...configuration.runtime, ...own.runtime } as Configuration['runtime'];
  const agent = { ...configuration.agent, ...own.agent } as Configuration['agent'];
  return { configuration: { ...configuration, hypervisor, runtime, agent }, warnings };
}

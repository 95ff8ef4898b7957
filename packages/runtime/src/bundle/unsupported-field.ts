/**
 * Fields of the OCI runtime specification that change what a container may do, and that a guest does not support. A container with one of
 * them is refused with the field's name: it would run with other permissions or limits than specified. Pure.
 */
import type { IdMapping, Linux, Mount, Process, Spec } from '@kata-containers/common/oci/spec';
import type { Found } from './spec-shape.ts';

/** Whether the value of a field has an effect. */
function asks(value: unknown): boolean {
  if (value === undefined || value === false || value === '' || value === 0) return false;
  return typeof value !== 'object' || Object.keys(value as object).length > 0;
}

const NOT_IN_A_VM = 'is not supported in a VM';

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: object | undefined): Fields => (value ?? {}) as Fields;

function firstAsked(value: object | undefined, names: readonly string[], path: string): Found {
  const name = names.find((candidate) => asks(fieldsOf(value)[candidate]));
  return name === undefined ? undefined : [`${path}${name}`, NOT_IN_A_VM];
}

/** `path` is '' for process.json, and 'process.' for config.json. */
export const unsupportedOfProcess = (requested: Process | undefined, path: string): Found =>
  firstAsked(requested, ['scheduler', 'ioPriority', 'execCPUAffinity'], path); // 1.1, 1.1, 1.2

/** Mounts with mapped ids (1.1, 1.2). */
function ofMounts(mounts: readonly Mount[]): Found {
  for (const [index, mount] of mounts.entries()) {
    const path = `mounts[${index}].`;
    const found = firstAsked(mount, ['uidMappings', 'gidMappings'], path);
    if (found) return found;
    const option = mount.options?.find((name) => name === 'idmap' || name === 'ridmap');
    if (option !== undefined) return [`${path}options`, `"${option}" ${NOT_IN_A_VM}`];
  }
  return undefined;
}

const isIdentity = (mappings: readonly IdMapping[] = []): boolean =>
  mappings.length > 0 && mappings.every(({ containerID, hostID }) => containerID === hostID);

/** A guest has one user namespace, without mappings: root in the guest would write to volumes as the host's root. */
function ofUserNamespace({ namespaces = [], uidMappings, gidMappings }: Linux): Found {
  const index = namespaces.findIndex(({ type }) => type === 'user');
  if (index < 0 || (isIdentity(uidMappings) && isIdentity(gidMappings))) return undefined;
  return [`linux.namespaces[${index}]`, `a user namespace with other ids (userns-remap) ${NOT_IN_A_VM}`];
}

/** @returns the first unsupported field and the reason */
export function unsupportedField({ process: first, mounts = [], linux, ...spec }: Spec): Found {
  return (
    unsupportedOfProcess(first, 'process.') ??
    ofMounts(mounts) ??
    ofUserNamespace(linux ?? {}) ??
    firstAsked(linux?.seccomp, ['listenerPath', 'listenerMetadata'], 'linux.seccomp.') ?? // 1.1; the listener would be on the host
    firstAsked(linux, ['timeOffsets', 'netDevices', 'memoryPolicy'], 'linux.') ?? // 1.1, 1.3, 1.3
    firstAsked(linux?.resources?.cpu, ['idle', 'burst'], 'linux.resources.cpu.') ?? // 1.1
    firstAsked(fieldsOf(spec)['vm'] as object | undefined, ['hwConfig'], 'vm.') // 1.3
  );
}

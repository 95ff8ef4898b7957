/**
 * Types of the fields of config.json, as in Go (specs-go/config.go), whose programs reject a field of another type. Without this check the error
 * would appear after the VM has started, or never. Pure.
 */
import { isPlainObject } from '../json/is-plain-object.ts';

/** The first field that is wrong, and what is wrong with it. */
export type Found = readonly [field: string, problem: string] | undefined;
type Shape = (value: unknown, field: string) => Found;

const of =
  (is: (value: unknown) => boolean, what: string): Shape =>
  (value, field) =>
    is(value) ? undefined : [field, `must be ${what}`];

const isInteger = (value: unknown): value is number | bigint => typeof value === 'bigint' || Number.isSafeInteger(value);
const integer = (least: bigint, most: bigint): Shape =>
  of((value) => isInteger(value) && BigInt(value) >= least && BigInt(value) <= most, `an integer, from ${least} to ${most}`);

const text = of((value) => typeof value === 'string', 'a string');
const truth = of((value) => typeof value === 'boolean', 'true or false');
const int32 = integer(-(2n ** 31n), 2n ** 31n - 1n);
const uint32 = integer(0n, 2n ** 32n - 1n);
const int64 = integer(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = integer(0n, 2n ** 64n - 1n);

function firstOf(
  entries: readonly (readonly [key: string, value: unknown])[],
  shapeOf: (key: string) => Shape | undefined,
  field: string,
): Found {
  for (const [key, value] of entries) {
    const found = shapeOf(key)?.(value, field === '' || key.startsWith('[') ? `${field}${key}` : `${field}.${key}`);
    if (found) return found;
  }
  return undefined;
}

/** Checks each item, `null` included. */
const list =
  (item: Shape): Shape =>
  (value, field) =>
    Array.isArray(value)
      ? firstOf(
          Array.from(value, (inner: unknown, index) => [`[${index}]`, inner] as const),
          () => item,
          field,
        )
      : [field, 'must be a list'];

/** Names and strings. */
const texts: Shape = (value, field) =>
  isPlainObject(value) ? firstOf(Object.entries(value), () => text, field) : [field, 'must be an object'];

/** Fields that are not named may have any type. `needed` fields must exist. */
function object(fields: Readonly<Record<string, Shape>>, ...needed: string[]): Shape {
  return (value, field) => {
    if (!isPlainObject(value)) return [field, 'must be an object'];
    const missing = needed.find((key) => value[key] === undefined);
    if (missing !== undefined) return [field === '' ? missing : `${field}.${missing}`, 'is missing'];
    const known = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return firstOf(known, (key) => (Object.hasOwn(fields, key) ? fields[key] : undefined), field);
  };
}

const all = <T extends string>(shape: Shape, ...names: T[]): Record<T, Shape> =>
  Object.fromEntries(names.map((name) => [name, shape])) as Record<T, Shape>;

export const processShape = object({
  terminal: truth,
  consoleSize: object(all(uint32, 'height', 'width'), 'height', 'width'),
  user: object({ ...all(uint32, 'uid', 'gid', 'umask'), additionalGids: list(uint32), username: text }),
  ...all(list(text), 'args', 'env'),
  ...all(text, 'cwd', 'apparmorProfile', 'selinuxLabel'),
  capabilities: object(all(list(text), 'bounding', 'effective', 'inheritable', 'permitted', 'ambient')),
  rlimits: list(object({ type: text, ...all(uint64, 'hard', 'soft') }, 'type')),
  noNewPrivileges: truth,
  oomScoreAdj: int32,
});

const device = { type: text, ...all(int64, 'major', 'minor') };
const memoryAmounts = all(int64, 'limit', 'reservation', 'swap', 'kernel', 'kernelTCP');

const blockDevice = all(int64, 'major', 'minor');
const blockWeights = all(integer(0n, 65_535n), 'weight', 'leafWeight');

export const resourcesShape = object({
  devices: list(object({ ...device, allow: truth, access: text })),
  memory: object({ ...memoryAmounts, swappiness: uint64, disableOOMKiller: truth }),
  cpu: object({
    ...all(uint64, 'shares', 'period', 'realtimePeriod'),
    ...all(int64, 'quota', 'realtimeRuntime'),
    ...all(text, 'cpus', 'mems'),
  }),
  pids: object({ limit: int64 }),
  blockIO: object({
    ...blockWeights,
    weightDevice: list(object({ ...blockDevice, ...blockWeights }, 'major', 'minor')),
    ...all(
      list(object({ ...blockDevice, rate: uint64 }, 'major', 'minor', 'rate')),
      'throttleReadBpsDevice',
      'throttleWriteBpsDevice',
      'throttleReadIOPSDevice',
      'throttleWriteIOPSDevice',
    ),
  }),
  hugepageLimits: list(object({ pageSize: text, limit: uint64 })),
});

const seccomp = object(
  {
    defaultAction: text,
    defaultErrnoRet: uint32,
    ...all(list(text), 'architectures', 'flags'),
    syscalls: list(
      object({
        names: list(text),
        action: text,
        errnoRet: uint32,
        args: list(object({ index: uint32, ...all(uint64, 'value', 'valueTwo'), op: text }, 'index', 'value', 'op')),
      }),
    ),
  },
  'defaultAction',
);

const linux = object({
  sysctl: texts,
  resources: resourcesShape,
  ...all(text, 'cgroupsPath', 'rootfsPropagation', 'mountLabel'),
  namespaces: list(object(all(text, 'type', 'path'), 'type')),
  devices: list(object({ ...device, path: text, ...all(uint32, 'fileMode', 'uid', 'gid') }, 'path', 'type')),
  seccomp,
  ...all(list(text), 'maskedPaths', 'readonlyPaths'),
});

const hooks = list(object({ path: text, ...all(list(text), 'args', 'env'), timeout: int32 }, 'path'));

export const specShape = object(
  {
    ociVersion: text,
    process: processShape,
    root: object({ path: text, readonly: truth }, 'path'),
    ...all(text, 'hostname', 'domainname'),
    mounts: list(object({ ...all(text, 'destination', 'source', 'type'), options: list(text) }, 'destination')),
    hooks: object(all(hooks, 'prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')),
    annotations: texts,
    linux,
  },
  'ociVersion',
  'process',
  'root',
);

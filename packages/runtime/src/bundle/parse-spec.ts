/** config.json, from text to a Spec that the rest may rely on. Pure. */
import { SpecError } from '@kata-containers/common/errors/kata-error';
import type { Spec } from '@kata-containers/common/oci/spec';
import { exactIntegers } from './exact-json.ts';

type Check = (spec: Record<string, unknown>) => [field: string, problem: string] | undefined;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

function optionalObject(spec: Record<string, unknown>, field: string): Record<string, unknown> {
  const value = spec[field];
  return isObject(value) ? value : {};
}

function entries(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** What the specification demands, and what Kata dereferences without asking again. */
const checks: Check[] = [
  (spec) => (typeof spec['ociVersion'] === 'string' ? undefined : ['ociVersion', 'is missing']),
  (spec) => (isObject(spec['process']) ? undefined : ['process', 'is missing']),
  (spec) => {
    const { args } = optionalObject(spec, 'process');
    return isStrings(args) && (args as string[]).length > 0 ? undefined : ['process.args', 'must name a command'];
  },
  (spec) => {
    const { cwd } = optionalObject(spec, 'process');
    return typeof cwd === 'string' && cwd.startsWith('/') ? undefined : ['process.cwd', 'must be an absolute path'];
  },
  (spec) => {
    const { env } = optionalObject(spec, 'process');
    return env === undefined || env === null || isStrings(env) ? undefined : ['process.env', 'must be a list of strings'];
  },
  (spec) => (typeof optionalObject(spec, 'root')['path'] === 'string' ? undefined : ['root.path', 'is missing']),
  (spec) => {
    const wrong = entries(spec['mounts']).find((mount) => typeof mount['destination'] !== 'string');
    return wrong === undefined ? undefined : ['mounts', 'every mount needs a destination'];
  },
  (spec) => (spec['linux'] === undefined || isObject(spec['linux']) ? undefined : ['linux', 'must be an object']),
  (spec) => {
    const wrong = entries(optionalObject(spec, 'linux')['namespaces']).find((namespace) => typeof namespace['type'] !== 'string');
    return wrong === undefined ? undefined : ['linux.namespaces', 'every namespace needs a type'];
  },
  (spec) => {
    const values = Object.values(optionalObject(spec, 'annotations'));
    return values.every((value) => typeof value === 'string') ? undefined : ['annotations', 'values must be strings'];
  },
];

/** Capabilities in the old form, one list for all five sets. */
function modernCapabilities(process: Record<string, unknown>): void {
  const { capabilities } = process;
  if (!isStrings(capabilities)) return;
  const list = capabilities as string[];
  process['capabilities'] = { bounding: list, effective: list, inheritable: list, permitted: list, ambient: list };
}

/** To Go's programs, and so to engines, `null` says what a missing field says. */
const withoutNulls = (key: string, value: unknown, context?: { source?: string }): unknown =>
  value === null ? undefined : exactIntegers(key, value, context);

/** @throws SpecError with the path of the first field that is wrong */
export function parseSpec(text: string): Spec {
  let spec: unknown;
  try {
    spec = JSON.parse(text, withoutNulls);
  } catch (error) {
    throw new SpecError('(whole file)', `is not JSON (${error instanceof Error ? error.message : ''})`);
  }
  if (!isObject(spec)) throw new SpecError('(whole file)', 'must be an object');
  for (const check of checks) {
    const found = check(spec);
    if (found) throw new SpecError(...found);
  }
  modernCapabilities(spec['process'] as Record<string, unknown>);
  return spec as unknown as Spec;
}

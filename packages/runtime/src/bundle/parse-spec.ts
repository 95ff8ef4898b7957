/** Parses and validates config.json and process.json. Pure. */
import { SpecError } from '@kata-containers/common/errors/kata-error';
import type { Process, Spec } from '@kata-containers/common/oci/spec';
import { isPlainObject } from '../json/is-plain-object.ts';
import { withoutNulls } from './exact-json.ts';
import { processShape, specShape } from './spec-shape.ts';
import type { Found } from './spec-shape.ts';
import { unsupportedField, unsupportedOfProcess } from './unsupported-field.ts';

type Table = Record<string, unknown>;

/** @throws SpecError */
function parseJson(text: string, file: string): Table {
  let value: unknown;
  try {
    value = JSON.parse(text, withoutNulls);
  } catch (error) {
    throw new SpecError('(whole file)', `is not JSON (${error instanceof Error ? error.message : ''})`, file);
  }
  if (!isPlainObject(value)) throw new SpecError('(whole file)', 'must be an object', file);
  return value;
}

/** Capabilities in the old form, one list for all five sets. */
function modernCapabilities(table: unknown): void {
  if (!isPlainObject(table) || !Array.isArray(table['capabilities'])) return;
  const list = table['capabilities'];
  table['capabilities'] = { bounding: list, effective: list, inheritable: list, permitted: list, ambient: list };
}

/** Requirements of the specification for a process, besides its types. */
function validateProcess({ args = [], cwd }: Partial<Process>, field: string): Found {
  if (args.length === 0) return [`${field}args`, 'must name a command'];
  if (cwd?.startsWith('/') !== true) return [`${field}cwd`, 'must be an absolute path'];
  return undefined;
}

/** @throws SpecError with the path of the first field that is wrong */
export function parseSpec(text: string): Spec {
  const spec = parseJson(text, 'config.json');
  modernCapabilities(spec['process']);
  const found = specShape(spec, '') ?? validateProcess(spec['process'] as Process, 'process.') ?? unsupportedField(spec as unknown as Spec);
  if (found) throw new SpecError(...found, 'config.json');
  return spec as unknown as Spec;
}

/** The process of an exec. The default working directory is `/`. @throws SpecError */
export function parseProcess(text: string): Process {
  const table: Table = { cwd: '/', ...parseJson(text, 'process.json') };
  modernCapabilities(table);
  const own = table as unknown as Process;
  const found = processShape(table, '') ?? validateProcess(own, '') ?? unsupportedOfProcess(own, '');
  if (found) throw new SpecError(...found, 'process.json');
  return own;
}

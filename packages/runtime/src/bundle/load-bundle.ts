import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Spec } from '@kata-containers/common/oci/spec';
import { parseSpec } from './parse-spec.ts';

export interface Bundle {
  /** Absolute path of the bundle directory. */
  readonly path: string;
  readonly spec: Spec;
  /** Absolute path of the root file system on the host. */
  readonly rootfs: string;
}

/** Limit for config.json, which is read as a whole. */
const MAX_CONFIG_BYTES = 16 << 20;

/** Reads and checks BUNDLE/config.json. @throws KataError, SpecError */
export function loadBundle(directory: string): Bundle {
  const path = resolve(directory);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new KataError(`Invalid bundle path '${path}', it should be a directory`);
  const spec = parseSpec(readConfig(path));
  return { path, spec, rootfs: resolve(path, spec.root?.path ?? 'rootfs') };
}

function readConfig(bundle: string): string {
  const file = join(bundle, 'config.json');
  try {
    if (statSync(file).size > MAX_CONFIG_BYTES) throw new KataError(`${file} is over ${MAX_CONFIG_BYTES >> 20} MiB`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof KataError) throw error;
    throw new KataError(`Invalid bundle path '${bundle}': config.json cannot be read (${errorCode(error) ?? 'unknown'})`);
  }
}

/**
 * Saves the specification that `create` has read, for later verbs: a change of config.json after `create` does not change the container
 * (OCI runtime specification, runtime.md, "Operations"), and its bundle may have been removed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exactJson } from '../bundle/exact-json.ts';
import { loadBundle } from '../bundle/load-bundle.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { parseSpec } from '../bundle/parse-spec.ts';
import { containerFile } from '../context/paths.ts';
import type { ContainerRecord } from '../state/state.ts';

const keptFile = (sandboxId: string, id: string): string => join(dirname(containerFile(sandboxId, id)), 'config.json');

/** Saves the specification of a registered container. */
export function saveSpec(sandboxId: string, id: string, { spec }: Bundle): void {
  writeFileSync(keptFile(sandboxId, id), exactJson(spec), { mode: 0o600 });
}

/** Reads config.json again for containers of earlier versions, which did not save the specification. @throws KataError, SpecError */
export function loadSavedBundle(sandboxId: string, id: string, record: ContainerRecord): Bundle {
  let text: string;
  try {
    text = readFileSync(keptFile(sandboxId, id), 'utf8');
  } catch {
    return loadBundle(record.BundlePath);
  }
  return { path: record.BundlePath, spec: parseSpec(text), rootfs: record.Rootfs };
}

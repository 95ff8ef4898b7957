/** Reading and writing state, whole files at a time: a reader sees the old or the new one, never half of one. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { ContainerNotFoundError, StateError } from '@kata-containers/common/errors/kata-error';
import { containerFile, mappingDirectory, sandboxPaths, sandboxesDirectory } from './paths.ts';
import { PERSIST_VERSION } from './state.ts';
import type { ContainerRecord, SandboxState } from './state.ts';

/** Makes no directory: what was deleted meanwhile must not come back. */
function writeJson(path: string, value: object): void {
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, JSON.stringify(value));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** undefined when there is no such file. @throws StateError when it cannot be understood */
function readJson<T extends { PersistVersion: number }>(path: string): T | undefined {
  let value: T;
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw new StateError(`state file ${path} is damaged; 'kata-runtime delete --force' cleans up`, { cause: error });
  }
  if (value.PersistVersion !== PERSIST_VERSION)
    throw new StateError(`state file ${path} is of version ${value.PersistVersion}, not ${PERSIST_VERSION}`);
  return value;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

export const saveSandbox = (id: string, state: SandboxState): void => writeJson(sandboxPaths(id).sandboxFile, state);

/** The first record of a container. */
export function registerContainer(sandboxId: string, id: string, record: ContainerRecord): void {
  const path = containerFile(sandboxId, id);
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { mode: 0o700 });
  writeJson(path, record);
}

/** Changes the record as it is now: another verb may have changed it, or removed it, since it was last read. */
export function changeContainer(sandboxId: string, id: string, changes: Partial<ContainerRecord>): void {
  const record = loadContainer(sandboxId, id);
  if (record) writeJson(containerFile(sandboxId, id), { ...record, ...changes });
}

/** @throws StateError when damaged or missing */
export function loadSandbox(id: string): SandboxState {
  const state = readJson<SandboxState>(sandboxPaths(id).sandboxFile);
  if (!state) throw new StateError(`sandbox ${id} was never finished`);
  return state;
}

export const loadContainer = (sandboxId: string, id: string): ContainerRecord | undefined =>
  readJson<ContainerRecord>(containerFile(sandboxId, id));

/** The sandbox that a container lives in, half-made and half-removed ones included; undefined when there is none. */
export function findSandbox(containerId: string): string | undefined {
  const mapped = names(join(mappingDirectory, containerId))[0];
  if (mapped !== undefined) return mapped;
  const isIn = (sandboxId: string): boolean =>
    statSync(dirname(containerFile(sandboxId, containerId)), { throwIfNoEntry: false })?.isDirectory() === true;
  return names(sandboxesDirectory).find((name) => name === containerId || isIn(name));
}

/** Sandbox and record of a container that was made completely. @throws ContainerNotFoundError */
export function requireContainer(id: string): { sandboxId: string; record: ContainerRecord } {
  const sandboxId = findSandbox(id);
  const record = sandboxId === undefined ? undefined : loadContainer(sandboxId, id);
  if (sandboxId === undefined || !record) throw new ContainerNotFoundError(id);
  return { sandboxId, record };
}

/** Every container's id with its sandbox', in the order of ids. */
export function listContainers(): { id: string; sandboxId: string }[] {
  return names(mappingDirectory).flatMap((id) => names(join(mappingDirectory, id)).map((sandboxId) => ({ id, sandboxId })));
}

/** Ids of the containers of one sandbox. */
export function containersOf(sandboxId: string): string[] {
  return listContainers().flatMap(({ id, sandboxId: owner }) => (owner === sandboxId ? [id] : []));
}

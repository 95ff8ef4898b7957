/** Reads and writes state atomically: a reader sees the old file or the new one. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { ContainerNotFoundError, KataError, StateError } from '@kata-containers/common/errors/kata-error';
import { containerFile, mappingDirectory, sandboxPaths, sandboxesDirectory } from '../context/paths.ts';
import { withCurrentKeys } from './current-keys.ts';
import { isFirstContainer } from './sandbox-name.ts';
import { PERSIST_VERSION } from './state.ts';
import type { ContainerRecord, SandboxState } from './state.ts';
import { isContainerRecord, isSandboxState } from './validate-state.ts';

/** Creates no directory: a sandbox that was deleted meanwhile must not reappear. */
function writeJson(path: string, value: object): void {
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, JSON.stringify(value));
    fsyncSync(fd);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');

/** undefined when the file does not exist. @throws StateError when the file is damaged or has another version */
function readJson<T extends { PersistVersion: number }>(path: string, isWhole: (value: unknown) => boolean): T | undefined {
  const damaged = (cause?: unknown): StateError =>
    new StateError(`state file ${path} is damaged; 'kata-runtime delete --force' cleans up`, { cause });
  let value: unknown;
  try {
    value = withCurrentKeys(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw damaged(error);
  }
  const { PersistVersion: version = undefined } = (value ?? {}) as Partial<T>;
  if (Number.isSafeInteger(version) && version !== PERSIST_VERSION)
    throw new StateError(`state file ${path} is of version ${version}, not ${PERSIST_VERSION}`);
  if (version !== PERSIST_VERSION || !isWhole(value)) throw damaged();
  return value as T;
}

/** Empty without the directory. @throws KataError without permission to read it */
function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (errorCode(error) !== 'EACCES') return [];
    throw new KataError(`${directory} cannot be read (EACCES): run the command as root`);
  }
}

export const saveSandbox = (id: string, state: SandboxState): void => writeJson(sandboxPaths(id).sandboxFile, state);

/** The first record of a container. */
export function registerContainer(sandboxId: string, id: string, record: ContainerRecord): void {
  const path = containerFile(sandboxId, id);
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { mode: 0o700 });
  writeJson(path, record);
}

/** Changes the current record: another verb may have changed or removed it since it was read. */
export function changeContainer(sandboxId: string, id: string, changes: Partial<ContainerRecord>): void {
  const record = loadContainer(sandboxId, id);
  if (record) writeJson(containerFile(sandboxId, id), { ...record, ...changes });
}

/** @throws StateError when damaged or missing */
export function loadSandbox(id: string): SandboxState {
  const state = readJson<SandboxState>(sandboxPaths(id).sandboxFile, isSandboxState);
  if (!state) throw new StateError(`sandbox ${id} is incomplete`);
  return state;
}

export const loadContainer = (sandboxId: string, id: string): ContainerRecord | undefined =>
  readJson<ContainerRecord>(containerFile(sandboxId, id), isContainerRecord);

/** Names of all sandboxes, also of incomplete and partly removed sandboxes. */
export const sandboxNames = (): string[] => names(sandboxesDirectory);

/** Whether a sandbox continues to run without its first container. */
export function isHandedOver(sandboxId: string): boolean {
  try {
    return loadSandbox(sandboxId).CgroupContainer !== undefined;
  } catch {
    return false; // incomplete or damaged: deleting the first container removes the sandbox
  }
}

/** The sandbox of a container, also of an incomplete container; undefined when no sandbox has the container. */
export function findSandbox(containerId: string): string | undefined {
  const mapped = names(join(mappingDirectory, containerId))[0];
  if (mapped !== undefined) return mapped;
  const isIn = (sandboxId: string): boolean =>
    statSync(dirname(containerFile(sandboxId, containerId)), { throwIfNoEntry: false })?.isDirectory() === true;
  return sandboxNames().find((name) => isIn(name) || (isFirstContainer(name, containerId) && !isHandedOver(name)));
}

/** Sandbox and record of a complete container. @throws ContainerNotFoundError */
export function requireContainer(id: string): { sandboxId: string; record: ContainerRecord } {
  const sandboxId = findSandbox(id);
  const record = sandboxId === undefined ? undefined : loadContainer(sandboxId, id);
  if (sandboxId === undefined || !record) throw new ContainerNotFoundError(id);
  return { sandboxId, record };
}

/** Ids of all containers with the names of their sandboxes, in the order of container ids. */
export function listContainers(): { id: string; sandboxId: string }[] {
  return names(mappingDirectory).flatMap((id) => names(join(mappingDirectory, id)).map((sandboxId) => ({ id, sandboxId })));
}

/** Ids of the containers of one sandbox. */
export function containersOf(sandboxId: string): string[] {
  return listContainers().flatMap(({ id, sandboxId: owner }) => (owner === sandboxId ? [id] : []));
}

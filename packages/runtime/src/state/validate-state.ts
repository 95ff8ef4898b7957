/** Validates saved state: a file can be valid JSON and damaged. Checks only fields that are used without further checks. Pure. */
import { isPlainObject } from '../json/is-plain-object.ts';
import type { PlainObject } from '../json/is-plain-object.ts';
import type { ContainerState } from './lifecycle.ts';

const tableIn = (value: unknown, key: string): PlainObject => (isPlainObject(value) && isPlainObject(value[key]) ? value[key] : {});
const hasText = (table: PlainObject, ...keys: string[]): boolean => keys.every((key) => typeof table[key] === 'string');

const isIdentity = (value: unknown): boolean => isPlainObject(value) && Number.isSafeInteger(value['pid']) && hasText(value, 'startTime');
const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value);

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

const STATES: readonly unknown[] = ['ready', 'running', 'paused', 'stopped'] satisfies ContainerState[];

export function isContainerRecord(value: unknown): boolean {
  if (!isPlainObject(value) || !STATES.includes(value['State']) || !hasText(value, 'BundlePath', 'Rootfs', 'Created', 'Type')) return false;
  return isIdentity(tableIn(value, 'Process')['Shim']) && isOptional(value['Limits'], isPlainObject);
}

export function isSandboxState(value: unknown): boolean {
  if (!isPlainObject(value) || !isOptional(value['Devices'], Array.isArray) || !isOptional(value['Joined'], isTexts)) return false;
  const [hypervisor, agent, network] = [tableIn(value, 'HypervisorState'), tableIn(value, 'AgentState'), tableIn(value, 'Network')];
  const processes = [hypervisor['Process'], agent['Proxy'], ...(hypervisor['Virtiofsd'] === undefined ? [] : [hypervisor['Virtiofsd']])];
  if (!processes.every(isIdentity) || !hasText(hypervisor, 'Accelerator') || !hasText(agent, 'URL')) return false;
  return (
    hasText(network, 'NetNsPath') &&
    isOptional(network['Endpoints'], Array.isArray) &&
    isOptional(network['GuestNetwork'], isPlainObject) &&
    isOptional(network['Detached'], isTexts)
  );
}

const isSavedLink = (value: unknown): boolean => isPlainObject(value) && hasText(value, 'name', 'mac') && isTexts(value['addresses']);

/** Required fields of each kind of undo entry. */
const undoChecks: Readonly<Record<string, (entry: PlainObject) => boolean>> = {
  rmdir: (entry) => hasText(entry, 'path'),
  unlink: (entry) => hasText(entry, 'path'),
  'remove-sockets': (entry) => hasText(entry, 'directory') && isTexts(entry['names']),
  unmount: (entry) => hasText(entry, 'path'),
  'remove-cgroup': (entry) => isTexts(entry['directories']),
  kill: (entry) => isIdentity(entry['process']),
  'delete-links': (entry) => hasText(entry, 'netns') && isTexts(entry['links']) && isTexts(entry['ingress']),
  'restore-links': (entry) => hasText(entry, 'netns') && Array.isArray(entry['links']) && entry['links'].every(isSavedLink),
  'delete-netns': (entry) => hasText(entry, 'path'),
};

export const isUndo = (value: unknown): boolean => isPlainObject(value) && undoChecks[String(value['undo'])]?.(value) === true;

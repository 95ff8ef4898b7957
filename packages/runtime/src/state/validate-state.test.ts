import assert from 'node:assert/strict';
import { isContainerRecord, isSandboxState, isUndo } from './validate-state.ts';

const identity = { pid: 7, startTime: '70' };
const record = {
  PersistVersion: 2,
  State: 'running',
  BundlePath: '/b',
  Rootfs: '/b/rootfs',
  Created: '2026-01-01T00:00:00Z',
  Type: 'pod_sandbox',
  Process: { Token: 'c', Shim: identity },
};
const state = {
  PersistVersion: 2,
  SandboxContainer: 'c',
  ConfigPath: '/c.toml',
  HypervisorState: { Process: identity, UUID: 'u', Accelerator: 'kvm' },
  AgentState: { Proxy: identity, URL: 'unix:///p' },
  Network: { NetNsPath: '/n', NetNsCreated: true },
};

describe('files read from disk', () => {
  it('accepts a complete record, also with limits', () =>
    assert.deepEqual([isContainerRecord(record), isContainerRecord({ ...record, Limits: {} })], [true, true]));
  it('accepts a complete state, also with all optional fields', () =>
    assert.deepEqual(
      [
        isSandboxState(state),
        isSandboxState({
          ...state,
          Devices: [],
          HypervisorState: { ...state.HypervisorState, Virtiofsd: identity },
          Network: { ...state.Network, Endpoints: [] },
        }),
      ],
      [true, true],
    ));

  const damaged: unknown[] = [null, undefined, 7, '', [], {}];
  for (const value of damaged)
    it(`refuses a damaged state: ${JSON.stringify(value)}`, () =>
      assert.deepEqual([isContainerRecord(value), isSandboxState(value), isUndo(value)], [false, false, false]));

  const records: [name: string, change: object][] = [
    ['an unknown state', { State: 'asleep' }],
    ['no bundle', { BundlePath: undefined }],
    ['a root that is a number', { Rootfs: 1 }],
    ['no process', { Process: undefined }],
    ['no shim', { Process: { Token: 'c' } }],
    ['a shim without its start', { Process: { Shim: { pid: 7 } } }],
    ['a pid as text', { Process: { Shim: { pid: '7', startTime: '70' } } }],
    ['limits that are not an object', { Limits: 3 }],
  ];
  for (const [name, change] of records)
    it(`refuses a damaged record: ${name}`, () => assert.equal(isContainerRecord({ ...record, ...change }), false));

  const states: [name: string, change: object][] = [
    ['no hypervisor', { HypervisorState: undefined }],
    ['no QEMU', { HypervisorState: { Accelerator: 'kvm' } }],
    ['no accelerator', { HypervisorState: { Process: identity } }],
    ['a daemon that is not a process', { HypervisorState: { ...state.HypervisorState, Virtiofsd: 1 } }],
    ['no proxy', { AgentState: { URL: 'u' } }],
    ['no address of the agent', { AgentState: { Proxy: identity } }],
    ['no network', { Network: null }],
    ['endpoints that are not a list', { Network: { NetNsPath: '/n', Endpoints: {} } }],
    ['devices that are not a list', { Devices: {} }],
  ];
  for (const [name, change] of states) it(`a damaged state: ${name}`, () => assert.equal(isSandboxState({ ...state, ...change }), false));

  const undos: [entry: object, lacks: string][] = [
    [{ undo: 'rmdir', path: '/a' }, 'path'],
    [{ undo: 'unlink', path: '/a' }, 'path'],
    [{ undo: 'remove-sockets', directory: '/a', names: ['b'] }, 'names'],
    [{ undo: 'unmount', path: '/a' }, 'path'],
    [{ undo: 'remove-cgroup', directories: ['/a'] }, 'directories'],
    [{ undo: 'kill', name: 'qemu', process: identity }, 'process'],
    [{ undo: 'delete-links', netns: '/n', links: ['t'], ingress: ['e'] }, 'ingress'],
    [{ undo: 'restore-links', netns: '/n', links: [{ name: 'e', mac: 'm', addresses: ['a'] }] }, 'links'],
    [{ undo: 'delete-netns', path: '/n' }, 'path'],
  ];
  for (const [entry, needed] of undos)
    it(`checks an entry of the journal: ${JSON.stringify(entry)}`, () =>
      assert.deepEqual([isUndo(entry), isUndo({ ...entry, [needed]: [1] })], [true, false]));
});

import assert from 'node:assert/strict';
import type { Bundle } from '../bundle/load-bundle.ts';
import { oomListener, oomOptions } from './oom-listener.ts';

const bundle = (manager?: string): Bundle => ({
  path: '/bundle',
  rootfs: '/bundle/rootfs',
  spec: { ociVersion: '1.0.2', annotations: { ...(manager !== undefined && { 'io.container.manager': manager }) } },
});
const socket = '/run/containerd/containerd.sock.ttrpc';
const containerd = { TTRPC_ADDRESS: socket, NAMESPACE: 'moby' };
const event = { kind: 'containerd', socket, namespace: 'moby' };
const conmon = (...files: string[]): object => ({ kind: 'conmon', files });
const conmonArgs = ['/usr/bin/conmon', '--exit-dir', '/exits', '--persist-dir', '/persist/box', '--full-attach'];

describe('oomListener', () => {
  const cases: [name: string, environment: NodeJS.ProcessEnv, manager: string | undefined, expected: object | undefined][] = [
    ["containerd's shim", containerd, undefined, event],
    ['conmon of podman', {}, 'libpod', conmon('/bundle/oom', '/persist/box/oom')],
    ['conmon of CRI-O that was started by a program of containerd', containerd, 'cri-o', conmon('/bundle/oom', '/persist/box/oom')],
    ['a containerd that names no namespace', { TTRPC_ADDRESS: '/a' }, undefined, undefined],
    ['an address that is not a path', { ...containerd, TTRPC_ADDRESS: 'npipe' }, undefined, undefined],
    ['an unknown engine', {}, undefined, undefined],
  ];
  for (const [name, environment, manager, expected] of cases)
    it(name, () => assert.deepEqual(oomListener({ environment, args: conmonArgs }, bundle(manager)), expected));

  it('finds containerd up to 1.6 and reads the namespace from the path of the bundle', () => {
    const path = '/run/containerd/io.containerd.runtime.v2.task/moby/box';
    assert.deepEqual(oomListener({ environment: { TTRPC_ADDRESS: socket }, args: [] }, { ...bundle(), path }), event);
  });
  it('uses only the bundle if --persist-dir of conmon is missing or relative', () => {
    for (const args of [[], ['conmon', '--persist-dir'], ['conmon', '--persist-dir', 'relative']])
      assert.deepEqual(oomListener({ environment: {}, args }, bundle('libpod')), conmon('/bundle/oom'));
  });
  it('gives the options of kata-oom', () => {
    assert.deepEqual(oomOptions({ kind: 'containerd', socket, namespace: 'moby' }), ['--containerd', socket, '--namespace', 'moby']);
    assert.deepEqual(oomOptions({ kind: 'conmon', files: ['/a', '/b'] }), ['--file', '/a', '--file', '/b']);
  });
});

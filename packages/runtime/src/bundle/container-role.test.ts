import assert from 'node:assert/strict';
import { SpecError } from '@kata-containers/common/errors/kata-error';
import { containerRole } from './container-role.ts';
import type { ContainerRole } from './container-role.ts';

const role = (annotations: Record<string, string>): ContainerRole => containerRole({ ociVersion: '1.0.2', annotations });

describe('containerRole', () => {
  it('without annotations: not in a pod', () => {
    assert.deepEqual(containerRole({ ociVersion: '1.0.2' }), { kind: 'alone' });
    assert.deepEqual(role({ 'io.kubernetes.cri.sandbox-id': 'pod' }), { kind: 'alone' });
  });

  it('podman 4: the named pod may not be a sandbox', () => {
    const annotations = { 'io.container.manager': 'libpod', 'io.kubernetes.cri-o.ContainerType': 'container' };
    assert.deepEqual(role({ ...annotations, 'io.kubernetes.cri-o.SandboxID': 'pod' }), {
      kind: 'container',
      sandboxId: 'pod',
      mayBeAlone: true,
    });
  });

  it('podman 5: the infra container is named, without a type', () => {
    const annotations = { 'io.container.manager': 'libpod' };
    assert.deepEqual(role({ ...annotations, 'io.kubernetes.cri-o.SandboxID': 'infra' }), {
      kind: 'container',
      sandboxId: 'infra',
      mayBeAlone: true,
    });
    assert.deepEqual(role(annotations), { kind: 'alone' });
    assert.deepEqual(role({ 'io.kubernetes.cri-o.SandboxID': 'pod' }), { kind: 'alone' });
  });

  const engines: [name: string, type: string, sandbox: string, sandboxId: string][] = [
    ["containerd's CRI", 'io.kubernetes.cri.container-type', 'sandbox', 'io.kubernetes.cri.sandbox-id'],
    ['CRI-O', 'io.kubernetes.cri-o.ContainerType', 'sandbox', 'io.kubernetes.cri-o.SandboxID'],
    ['dockershim', 'io.kubernetes.docker.type', 'podsandbox', 'io.kubernetes.sandbox.id'],
  ];
  for (const [name, type, sandbox, sandboxId] of engines) {
    it(`${name}: sandbox`, () => assert.deepEqual(role({ [type]: sandbox, [sandboxId]: 'pod' }), { kind: 'sandbox' }));
    it(`${name}: container`, () =>
      assert.deepEqual(role({ [type]: 'container', [sandboxId]: 'pod' }), { kind: 'container', sandboxId: 'pod', mayBeAlone: false }));
    it(`${name}: a container without a pod is refused`, () =>
      assert.throws(
        () => role({ [type]: 'container' }),
        (error) => error instanceof SpecError && error.message.includes(sandboxId),
      ));
    it(`${name}: another type is refused`, () => assert.throws(() => role({ [type]: 'other' }), /Unknown container type other/));
  }
});

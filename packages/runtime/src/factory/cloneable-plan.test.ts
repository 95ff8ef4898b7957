import assert from 'node:assert/strict';
import { examplePlan } from '../hypervisor/qemu/example-plan.test-support.ts';
import { cloneObstacle } from './cloneable-plan.ts';

describe('whether a VM can be cloned', () => {
  it('a plain one', () => assert.equal(cloneObstacle(examplePlan), undefined));
  it('not with virtio-fs', () =>
    assert.match(cloneObstacle({ virtioFs: { socket: '/s', cacheMiB: 0 } }) ?? '', /virtio-fs cannot be saved/));
  it('not with memory of its own kind', () =>
    assert.match(cloneObstacle({ memoryBackend: { shared: false, preallocated: true } }) ?? '', /private memory/));
});

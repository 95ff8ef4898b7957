import assert from 'node:assert/strict';
import { examplePlan } from '../../hypervisor/qemu/example-plan.test-support.ts';
import { cloneObstacle } from './cloneable-plan.ts';

describe('whether a VM can be cloned', () => {
  it('can be cloned by default', () => assert.equal(cloneObstacle(examplePlan), undefined));
  it('cannot be cloned with virtio-fs', () =>
    assert.match(cloneObstacle({ virtioFs: { socket: '/s', cacheMiB: 0 } }) ?? '', /virtio-fs cannot be saved/));
  it('cannot be cloned with another memory backend', () =>
    assert.match(cloneObstacle({ memoryBackend: { shared: false, preallocated: true } }) ?? '', /private memory/));
});

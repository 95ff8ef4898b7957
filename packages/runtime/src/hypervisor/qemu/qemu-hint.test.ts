import assert from 'node:assert/strict';
import { withHint } from './qemu-hint.ts';

describe('hints for a QEMU that lacks a device', () => {
  const HINT = ' (this QEMU has no 9p: set path to qemu-lite, or shared_fs to "virtio-fs")';
  for (const line of [
    'qemu-kvm: fsdev support is disabled',
    "qemu-kvm: -device virtio-9p-pci,fsdev=a: 'virtio-9p-pci' is not a valid device model name",
  ])
    it(`9p: ${line}`, () => assert.equal(withHint(line), line + HINT));
  it('are empty for other errors', () => assert.equal(withHint('qemu: could not load kernel'), 'qemu: could not load kernel'));
});

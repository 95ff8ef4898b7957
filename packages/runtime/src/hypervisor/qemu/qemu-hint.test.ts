import assert from 'node:assert/strict';
import { withHint } from './qemu-hint.ts';

describe('hints for a QEMU that lacks a feature', () => {
  const without9p = ' (this QEMU has no 9p: set path to qemu-lite, or shared_fs to "virtio-fs")';
  const withoutSeccomp = ' (set seccompsandbox = "" in [hypervisor.qemu] to run without the filter)';
  const withoutFile =
    ' (QEMU sees only the files of its VM and of /usr: set qemu_own_root = false in [hypervisor.qemu] to run without them)';
  const cases: [line: string, hint: string][] = [
    ['qemu-kvm: fsdev support is disabled', without9p],
    ["qemu-kvm: -device virtio-9p-pci,fsdev=a: 'virtio-9p-pci' is not a valid device model name", without9p],
    ["qemu: -sandbox on: There is no option group 'sandbox'", withoutSeccomp],
    ['qemu: -sandbox on: failed to load seccomp syscall filter in kernel: Bad address', withoutSeccomp],
    ['qemu: error while loading shared libraries: libx.so: cannot open shared object file', withoutFile],
    ['/opt/qemu: 2: exec: /opt/other: not found', withoutFile],
    ['qemu: could not load kernel', ''],
  ];
  for (const [line, hint] of cases) it(line, () => assert.equal(withHint(line, true), line + hint));
  it('do not name an own root directory that QEMU does not have', () =>
    assert.equal(withHint('sh: x: not found', false), 'sh: x: not found'));
});

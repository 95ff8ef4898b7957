import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { createLogger } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { checkKvm } from './check-kvm.ts';
import type { Requirements } from './requirements.ts';

const none: Requirements = { attributes: {}, flags: {}, modules: {}, extensions: {} };

function recorder(): { log: Logger; messages: () => string[] } {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', level: 'info', precision: 'seconds', write: (line) => void lines.push(line) });
  return { log, messages: () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg) };
}

describe('checkKvm', () => {
  it('creates a VM and checks extensions', () => {
    const { log, messages } = recorder();
    const { kernel, calls } = recordingKernel({ createVirtualMachine: () => openSync('/dev/null', 'r'), checkKvmExtension: () => 40 });
    checkKvm({ ...none, extensions: { SIZE: { description: 'size', id: 165 } } }, kernel, log, '/dev/null');
    assert.deepEqual(
      calls.map(([name, , id]) => [name, id]),
      [
        ['createVirtualMachine', undefined],
        ['checkKvmExtension', 165],
      ],
    );
    assert.deepEqual(messages(), ['device available', 'feature available', 'kvm extension is supported']);
  });

  it('reports that another hypervisor uses the CPU', () => {
    const { log, messages } = recorder();
    const { kernel } = recordingKernel({
      createVirtualMachine: () => {
        throw new KernelError('ioctl', 16, 'EBUSY', 'KVM_CREATE_VM');
      },
    });
    assert.throws(() => checkKvm(none, kernel, log, '/dev/null'), /ioctl KVM_CREATE_VM failed \(EBUSY\)/);
    assert.deepEqual(messages(), ['device available', 'cannot create VM']);
  });

  it('reports a device that is not KVM', () => {
    const { kernel } = recordingKernel({
      createVirtualMachine: () => {
        throw new KernelError('ioctl', 25, 'ENOTTY', 'KVM_CREATE_VM');
      },
    });
    const message = /^KataError: \/dev\/null is not KVM's device: ioctl KVM_CREATE_VM failed \(ENOTTY\)$/;
    assert.throws(() => checkKvm(none, kernel, recorder().log, '/dev/null'), message);
  });

  it('reports a missing device', () => {
    const { log, messages } = recorder();
    assert.throws(
      () => checkKvm(none, recordingKernel().kernel, log, '/nowhere/kvm'),
      /^KataError: \/nowhere\/kvm cannot be opened \(ENOENT\)$/,
    );
    assert.deepEqual(messages(), ['cannot open kvm device']);
  });
});

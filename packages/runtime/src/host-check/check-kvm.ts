/** Checks that a VM can be created: creates one and closes it (kvm(7), KVM_CREATE_VM). */
import { closeSync, openSync } from 'node:fs';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Requirements } from './requirements.ts';

type Kvm = Pick<Kernel, 'createVirtualMachine' | 'checkKvmExtension'>;

function open(device: string, log: Logger): number {
  try {
    return openSync(device, 'r+');
  } catch (error) {
    log.error('cannot open kvm device', { 'check-type': 'full', device });
    throw new KataError(`${device} cannot be opened (${errorCode(error) ?? 'unknown'})`);
  }
}

function createVm(fd: number, device: string, kernel: Kvm, log: Logger): void {
  try {
    closeSync(kernel.createVirtualMachine(fd));
  } catch (error) {
    if (errorCode(error) === 'EBUSY') log.error('cannot create VM', { 'check-type': 'full', reason: 'another hypervisor running' });
    if (errorCode(error) === 'ENOTTY') throw new KataError(`${device} is not KVM's device: ${errorMessage(error)}`);
    throw error;
  }
  log.info('feature available', { 'check-type': 'full', feature: 'create-vm' });
}

function checkExtensions(fd: number, extensions: Requirements['extensions'], kernel: Kvm, log: Logger): void {
  for (const [name, { description, id }] of Object.entries(extensions)) {
    const fields = { type: 'kvm extension', name, description, id };
    if (kernel.checkKvmExtension(fd, id) > 0) log.info('kvm extension is supported', fields);
    else log.error('is not supported', fields);
  }
}

/** @throws KataError when no VM can be made */
export function checkKvm(requirements: Requirements, kernel: Kvm, log: Logger, device = '/dev/kvm'): void {
  const fd = open(device, log);
  try {
    log.info('device available', { 'check-type': 'full', device });
    createVm(fd, device, kernel, log);
    checkExtensions(fd, requirements.extensions, kernel, log);
  } finally {
    closeSync(fd);
  }
}

import assert from 'node:assert/strict';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { canOpen, chooseAccelerator, isKvm, isVirtualMachine } from './accelerator.ts';
import type { HostSource } from './accelerator.ts';

const host = (flags: string, kvmUsable: boolean, boots: boolean): HostSource => ({
  cpuinfo: () => `processor : 0\nflags\t\t: ${flags}\n`,
  kvmUsable: () => kvmUsable,
  probe: () => Promise.resolve(boots),
});

describe('chooseAccelerator', () => {
  const cases: [name: string, configured: string, source: HostSource, accelerator: string, reason: RegExp | undefined][] = [
    ['configured', 'tcg', host('vmx', true, true), 'tcg', undefined],
    ['a guest boots', 'auto', host('fpu vmx sse', true, true), 'kvm', undefined],
    ['no device', 'auto', host('vmx', false, true), 'tcg', /\/dev\/kvm/],
    ['a device without the CPU flag', 'auto', host('fpu xvmx', true, true), 'tcg', /neither vmx nor svm/],
    ['KVM and CPU flag exist, but no guest boots', 'auto', host('svm', true, false), 'tcg', /does not boot/],
  ];
  for (const [name, configured, source, accelerator, reason] of cases) {
    it(name, async () => {
      const choice = await chooseAccelerator(configured, source);
      assert.equal(choice.accelerator, accelerator);
      if (reason) assert.match(choice.reason ?? '', reason);
      else assert.equal(choice.reason, undefined);
    });
  }
});

describe('host facts', () => {
  it('detect a VM by the hypervisor flag', () => {
    assert.equal(isVirtualMachine('flags : a hypervisor b'), true);
    assert.equal(isVirtualMachine('flags : a b'), false);
  });
  it('detect KVM by an ioctl', () => {
    const { kernel } = recordingKernel({ checkKvmExtension: () => 1 });
    assert.deepEqual([isKvm('/dev/null', kernel), isKvm('/nowhere', kernel)], [true, false]);
    assert.equal(isKvm('/dev/null', linuxKernel), false);
  });
  it('detect devices that can be opened', () =>
    assert.deepEqual([canOpen('/dev/null'), canOpen('/'), canOpen('/nowhere')], [true, false, false]));
});

import assert from 'node:assert/strict';
import { examplePlan } from '../hypervisor/qemu/example-plan.test-support.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { needOfRoot } from './unprivileged-plan.ts';

const shipped = { qemu_unprivileged: true, qemu_own_root: true, qemu_capabilities: ['CHOWN'] };
const plan: QemuPlan = {
  ...examplePlan,
  virtioFs: { socket: '/s', cacheMiB: 0 },
  memoryBackend: { directory: '/dev/shm', shared: true, preallocated: false },
};
const { virtioFs: _, ...nineP } = plan;

describe('needOfRoot', () => {
  const cases: [name: string, configuration: Partial<typeof shipped>, plan: QemuPlan, need: RegExp | undefined][] = [
    ['virtio-fs', {}, plan, undefined],
    ['disabled', { qemu_unprivileged: false }, plan, /^qemu_unprivileged is false$/],
    ['9p', {}, nineP, /^the share is 9p/],
    ['no root directory of its own', { qemu_own_root: false }, plan, /^qemu_own_root/],
    ['all capabilities', { qemu_capabilities: ['ALL'] }, plan, /^qemu_capabilities/],
    [
      'memory in huge pages',
      {},
      { ...plan, memoryBackend: { directory: '/dev/hugepages', shared: true, preallocated: true } },
      /\/dev\/hugepages$/,
    ],
    ['NVDIMMs', {}, { ...plan, disksAsNvdimm: true }, /^NVDIMM/],
    ['flash images', {}, { ...plan, pflashes: ['/vars'] }, /^flash/],
    ['a kernel that only root can read', {}, { ...plan, kernel: '/secret' }, /^\/secret is readable for root alone$/],
  ];
  for (const [name, configuration, wanted, need] of cases)
    it(name, () => {
      const found = needOfRoot({ ...shipped, ...configuration }, wanted, (path) => path !== '/secret');
      if (need === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', need);
    });
});

import assert from 'node:assert/strict';
import { qemuCommandLine } from './command-line.ts';
import type { QemuPlan } from './qemu-plan.ts';
import { examplePlan } from './example-plan.test-support.ts';
import { parseCommandLine } from './parse-command-line.ts';

const { image: _image, ...withoutImage } = examplePlan;

describe('parseCommandLine reads what qemuCommandLine writes', () => {
  const cases: [name: string, plan: QemuPlan, image: string][] = [
    ['an NVDIMM', examplePlan, '/img'],
    ['a name with commas', { ...examplePlan, image: { path: '/a,b,', sizeBytes: 1 } }, '/a,b,'],
    ['a block device', { ...examplePlan, imageAsNvdimm: false }, '/img'],
    ['an initrd', { ...withoutImage, initrd: '/initrd' }, '/initrd'],
  ];
  for (const [name, plan, image] of cases) {
    it(name, () => {
      const cmdline = ['qemu', ...qemuCommandLine({ ...plan, vcpus: 3 })].join('\0');
      assert.deepEqual(parseCommandLine(`${cmdline}\0`), { kernel: '/k', image, vcpus: 3 });
    });
  }
  it('returns nothing for another program', () => assert.deepEqual(parseCommandLine('sh\0'), { kernel: '', image: '', vcpus: 0 }));
});

import assert from 'node:assert/strict';
import { examplePlan as plan } from '../hypervisor/qemu/example-plan.test-support.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { qemuRootPlan } from './qemu-root-plan.ts';
import type { RootFacts } from './qemu-root-plan.ts';

const lite: QemuPlan = { ...plan, binary: '/opt/bin/qemu-lite-system-x86_64' };
const rows = (wanted: QemuPlan, facts: RootFacts = { isStatic: true, programs: [] }): string[] =>
  qemuRootPlan(wanted, facts).map((entry) => `${entry.kind} ${entry.path}${'access' in entry ? ` ${entry.access}` : ''}`);

describe('root directory of QEMU', () => {
  it('of a static program contains only the files of its VM', () =>
    assert.deepEqual(rows(lite), [
      'file /opt/bin/qemu-lite-system-x86_64 read',
      'directory /opt/share/qemu-lite read',
      'directory /run/vc/vm/abc write',
      'file /k read',
      'file /img read',
      'share /run/kata-containers/shared/sandboxes/abc/shared',
      'device /dev/null',
      'device /dev/zero',
      'device /dev/urandom',
      'device /dev/kvm',
    ]));

  const other = { isStatic: false, programs: ['/usr/bin/sh', '/opt/qemu'] };
  const cases: [name: string, plan: QemuPlan, facts: RootFacts | undefined, has: string[], hasNot: RegExp][] = [
    [
      'a program with libraries has /usr',
      plan,
      other,
      ['directory /usr read', 'directory /lib64 read', 'file /etc/ld.so.cache read'],
      / \/usr\/./,
    ],
    [
      'a script has the programs that it names',
      { ...lite },
      other,
      ['file /opt/bin/qemu-lite-system-x86_64 read', 'file /opt/qemu read'],
      /usr\/bin/,
    ],
    ['emulation has no KVM', { ...lite, accelerator: 'tcg' }, undefined, [], /kvm/],
    [
      'with virtio-fs the root has no share',
      {
        ...lite,
        virtioFs: { socket: '/run/vc/vm/abc/vhost-fs.sock', cacheMiB: 0 },
        memoryBackend: { directory: '/dev/shm', shared: true, preallocated: false },
      },
      undefined,
      ['memory /dev/shm'],
      /^share/,
    ],
    [
      'a clone has the files of its template',
      { ...lite, memoryFile: { path: '/run/vc/vm/template/k/memory', shared: false }, codeFile: '/run/vc/vm/template/k/code' },
      undefined,
      ['file /run/vc/vm/template/k/memory write', 'file /run/vc/vm/template/k/code read'],
      /directory .*template/,
    ],
    [
      'a clone that opens the memory for reading cannot write to it',
      { ...lite, memoryFile: { path: '/run/vc/vm/template/k/memory', shared: false, readOnly: true } },
      undefined,
      ['file /run/vc/vm/template/k/memory read'],
      /memory write/,
    ],
    [
      "a template's maker has them in its own directory",
      { ...lite, memoryFile: { path: '/run/vc/vm/abc/memory', shared: true }, codeFile: '/run/vc/vm/abc/code' },
      undefined,
      ['directory /run/vc/vm/abc write'],
      /memory|code/,
    ],
    [
      'firmware and flash images',
      { ...lite, firmware: '/fw', pflashes: ['/vars'] },
      undefined,
      ['file /fw read', 'file /vars write'],
      /^$/,
    ],
  ];
  for (const [name, wanted, facts, has, hasNot] of cases)
    it(name, () => {
      const found = rows(wanted, facts);
      assert.deepEqual(
        has.filter((row) => !found.includes(row)),
        [],
      );
      assert.deepEqual(
        found.filter((row) => hasNot.test(row)),
        [],
      );
    });
});

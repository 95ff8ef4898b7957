import assert from 'node:assert/strict';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { examplePlan } from '../hypervisor/qemu/example-plan.test-support.ts';
import type { Context } from '../context/context.ts';
import { confined, isStaticProgram } from './confine-qemu.ts';

/** ELF with program headers of these types. */
function program(...types: number[]): Buffer {
  const head = Buffer.alloc(64 + 56 * types.length);
  head.write('\x7fELF\x02\x01', 'latin1');
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(types.length, 56);
  for (const [index, type] of types.entries()) head.writeUInt32LE(type, 64 + 56 * index);
  return head;
}

describe('isStaticProgram', () => {
  const cases: [name: string, head: Buffer, expected: boolean][] = [
    ['static', program(1, 1, 7), true],
    ['with an interpreter', program(6, 3, 1), false],
    ['headers beyond what was read', program(1, 1).subarray(0, 100), false],
    ['a script', Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`), false],
    ['empty', Buffer.alloc(0), false],
  ];
  for (const [name, head, expected] of cases) it(name, () => assert.equal(isStaticProgram(head), expected));
});

describe('confined', () => {
  const child = { pid: 7, kill: () => true };
  function calls(
    qemu_capabilities: string[],
    start: () => typeof child,
    { plan, isAllowed } = { plan: examplePlan, isAllowed: true },
  ): unknown[] {
    const recorded = recordingKernel({ randomiseAddresses: () => isAllowed });
    const configuration = { hypervisor: { qemu_own_root: false, qemu_capabilities } } as unknown as Context['configuration'];
    const context = { configuration, kernel: recorded.kernel } as Context;
    try {
      confined(context, plan, start);
    } catch {
      recorded.calls.push(['thrown']);
    }
    return recorded.calls;
  }

  it('limits the capabilities of QEMU only', () =>
    assert.deepEqual(
      calls(['CHOWN', 'MKNOD'], () => child),
      [['limitChildren', (1n << 0n) | (1n << 27n)], ['unlimitChildren']],
    ));
  it('restores the capabilities if QEMU cannot be started', () =>
    assert.deepEqual(
      calls([], () => {
        throw new Error('no');
      }),
      [['limitChildren', 0n], ['unlimitChildren'], ['thrown']],
    ));
  const keepsCode = { ...examplePlan, codeFile: '/template/code' };
  it('disables address randomisation only for a QEMU with kept code', () =>
    assert.deepEqual(
      calls(['ALL'], () => child, { plan: keepsCode, isAllowed: true }),
      [
        ['randomiseAddresses', false],
        ['randomiseAddresses', true],
      ],
    ));
  it('accepts a seccomp profile that denies fixed addresses', () =>
    assert.deepEqual(
      calls(['ALL'], () => child, { plan: keepsCode, isAllowed: false }),
      [['randomiseAddresses', false]],
    ));
  it('changes nothing for ALL', () =>
    assert.deepEqual(
      calls(['ALL'], () => child),
      [],
    ));
});

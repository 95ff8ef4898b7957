/** The confinement that QEMU is started in: a root directory, namespaces and capabilities of its own. */
import { closeSync, openSync, readSync } from 'node:fs';
import { capabilityMask } from '@kata-containers/common/kernel/capabilities';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { Context } from '../context/context.ts';
import { programsOf } from '../hypervisor/qemu/script-programs.ts';
import { inOwnRoot } from './own-root.ts';
import type { Startable } from './own-root.ts';
import { qemuRootPlan } from './qemu-root-plan.ts';

/** The part of a program that says whether it has an interpreter: a script's first line, or ELF's program headers. */
const HEAD_BYTES = 4096;
const PT_INTERP = 3;

/** elf(5), 64 bits, little endian. Anything else is taken for a program that needs others. */
export function isStaticProgram(head: Buffer): boolean {
  if (head.length < 64 || head.toString('latin1', 0, 4) !== '\x7fELF' || head[4] !== 2 || head[5] !== 1) return false;
  const [offset, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  if (offset + size * count > head.length) return false;
  return Array.from({ length: count }, (_, index) => head.readUInt32LE(offset + index * size)).every((type) => type !== PT_INTERP);
}

function readHead(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

/**
 * Kept code names addresses of QEMU, which therefore has the same addresses each time. When this is denied, qemu-lite tries it itself,
 * and translates as usual if it cannot.
 */
function atFixedAddresses<T>(kernel: Context['kernel'], start: () => T): T {
  const isFixed = kernel.randomiseAddresses(false);
  try {
    return start();
  } finally {
    if (isFixed) kernel.randomiseAddresses(true);
  }
}

/** Runs `startQemu`, so that QEMU is confined as the configuration wants it. @throws KernelError */
export function confined<T extends Startable>({ configuration, kernel }: Context, plan: QemuPlan, startQemu: () => T): T {
  const start = plan.codeFile === undefined ? startQemu : () => atFixedAddresses(kernel, startQemu);
  const { qemu_own_root: hasOwnRoot, qemu_capabilities: kept } = configuration.hypervisor;
  const capabilities = kept.includes('ALL') ? undefined : capabilityMask(kept);
  if (capabilities !== undefined) kernel.limitChildren(capabilities);
  try {
    if (!hasOwnRoot) return start();
    const facts = { isStatic: isStaticProgram(readHead(plan.binary)), programs: programsOf(plan.binary) };
    const started = inOwnRoot(qemuRootPlan(plan, facts), kernel, start);
    if (started.pid !== undefined) kernel.forbidCoreDumps(started.pid);
    return started;
  } finally {
    if (capabilities !== undefined) kernel.unlimitChildren();
  }
}

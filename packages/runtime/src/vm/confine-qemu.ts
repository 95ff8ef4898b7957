/** Starts QEMU confined: with its own root directory, namespaces and capabilities. */
import { chownSync, closeSync, existsSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { capabilityMask } from '@kata-containers/common/kernel/capabilities';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { applyPart } from '../configuration/confinement-parts.ts';
import type { Context } from '../context/context.ts';
import { programsOf } from '../hypervisor/qemu/script-programs.ts';
import { limitResources } from './limit-resources.ts';
import { inOwnRoot, orKill } from './own-root.ts';
import type { Startable } from './own-root.ts';
import { qemuRootPlan } from './qemu-root-plan.ts';

/** Length of the head of a program that shows whether it has an interpreter: a script's first line, or ELF's program headers. */
const HEAD_BYTES = 4096;
const PT_INTERP = 3;

/** elf(5), 64 bits, little endian. Any other file is treated as a program with an interpreter. */
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

/** Gives a QEMU that is not root what it opens by its path, or makes files in. */
function handOver({ paths, virtioFs }: QemuPlan, user: number): void {
  for (const path of [dirname(paths.qmpSocket), paths.qemuLog, virtioFs?.socket])
    if (path !== undefined && existsSync(path)) chownSync(path, user, user);
}

/** Files are given to the user before the root directory is made. @returns the start of QEMU as that user */
function asUser<T>(plan: QemuPlan, user: number, start: () => T): () => T {
  applyPart('user', () => handOver(plan, user));
  return () => applyPart('user', start);
}

/**
 * Kept code names addresses of QEMU, which therefore has the same addresses each time. When this is denied, qemu-lite finds that the code
 * does not match, and translates as usual.
 */
function atFixedAddresses<T>(kernel: Context['kernel'], start: () => T): T {
  const isFixed = kernel.randomiseAddresses(false);
  try {
    return start();
  } finally {
    if (isFixed) kernel.randomiseAddresses(true);
  }
}

/** Runs `startQemu`, so that QEMU is confined as the configuration wants it. @throws KataError that names the setting which disables the part that failed */
export function confined<T extends Startable>(context: Context, plan: QemuPlan, startQemu: () => T): T {
  const { configuration, kernel } = context;
  const start = plan.codeFile === undefined ? startQemu : () => atFixedAddresses(kernel, startQemu);
  const { qemu_own_root: hasOwnRoot, qemu_capabilities: kept } = configuration.hypervisor;
  const capabilities = kept.includes('ALL') || plan.user !== undefined ? undefined : capabilityMask(kept); // another user than root has no capabilities
  if (capabilities !== undefined) applyPart('capabilities', () => kernel.limitChildren(capabilities));
  try {
    if (!hasOwnRoot) return start();
    const facts = { isStatic: isStaticProgram(readHead(plan.binary)), programs: programsOf(plan.binary) };
    const root = { entries: qemuRootPlan(plan, facts), user: plan.user ?? 0 };
    const begin = plan.user === undefined ? start : asUser(plan, plan.user, start);
    const started = kernel.withoutCoreDumps(() => inOwnRoot(root, kernel, begin));
    const { pid } = started;
    if (pid !== undefined) orKill(started, () => limitResources(pid, plan.user, context));
    return started;
  } finally {
    if (capabilities !== undefined) kernel.unlimitChildren();
  }
}

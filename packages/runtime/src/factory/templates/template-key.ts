/** The key of a VM's template. VMs with the same QEMU, arguments and files have the same key. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { qemuCommandLine } from '../../hypervisor/qemu/command-line.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { programsOf } from '../../hypervisor/qemu/script-programs.ts';
import { spareMac } from './spare-link-plan.ts';

/** Identity of a file when the template was made. */
export interface InputFile {
  readonly path: string;
  readonly inode: string;
  readonly size: string;
  /** Nanoseconds since 1970. */
  readonly modified: string;
}

/** @throws Error when the file is missing */
export function inputFile(path: string): InputFile {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return { path, inode: String(ino), size: String(size), modified: String(mtimeNs) };
}

/** True while the file is unchanged. */
export function isUnchanged(input: InputFile): boolean {
  try {
    return JSON.stringify(inputFile(input.path)) === JSON.stringify(input);
  } catch {
    return false;
  }
}

/** The programs that a QEMU wrapper script starts. Other files do not count: a log changes with each start. */
export function templateInputs({ binary, kernel, image, initrd, firmware, pflashes }: QemuPlan): InputFile[] {
  const paths = [binary, ...programsOf(binary), kernel, image?.path, initrd, firmware, ...pflashes];
  return paths.filter((path) => path !== undefined && path !== '').map((path) => inputFile(path as string));
}

/** The plan with the parts that differ for each VM replaced by constants. */
function common(plan: QemuPlan): QemuPlan {
  const anywhere = '/';
  return {
    ...plan,
    sandboxId: 'template',
    uuid: '',
    sharedDirectory: anywhere,
    memoryFile: { path: anywhere, shared: false },
    ...(plan.keepsCode && { codeFile: anywhere }),
    networks: plan.networks.map(({ tap }, index) => ({ tap, mac: spareMac(index) })),
    paths: { qmpSocket: anywhere, consoleSocket: anywhere, agentSocket: anywhere, pidFile: anywhere, qemuLog: anywhere },
  };
}

/** 16 hexadecimal digits. */
export function templateKey(plan: QemuPlan, inputs: readonly InputFile[]): string {
  const text = JSON.stringify([plan.binary, qemuCommandLine(common(plan)), inputs]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Current key of the plan's template. */
export const keyOf = (plan: QemuPlan): string => templateKey(plan, templateInputs(plan));

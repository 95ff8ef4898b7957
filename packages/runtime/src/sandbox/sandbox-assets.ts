/** QEMU, kernel and image that a sandbox was started with, beside those that a new one would get. */
import type { Configuration } from '../configuration/schema.ts';
import { parseCommandLine } from '../hypervisor/qemu/parse-command-line.ts';
import { commandLineOf, programOf } from '../processes/process-use.ts';

/** Paths; empty where nothing is known, because the VM has ended. */
export interface Assets {
  readonly hypervisor: string;
  readonly kernel: string;
  readonly image: string;
}

export function runningAssets(qemuPid: number): Assets {
  const { kernel, image } = parseCommandLine(commandLineOf(qemuPid));
  return { hypervisor: programOf(qemuPid) ?? '', kernel, image };
}

export function configuredAssets({ hypervisor }: Configuration): Assets {
  return { hypervisor: hypervisor.path, kernel: hypervisor.kernel, image: hypervisor.image || hypervisor.initrd };
}

/** 1.x' words for what a new sandbox would get in another version. */
export function staleAssets(running: Assets, configured: Assets): string[] {
  return (['kernel', 'image'] as const).filter((name) => running[name] !== '' && running[name] !== configured[name]);
}

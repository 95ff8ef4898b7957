/** Loads the kernel modules of the configuration (kernel_modules). Imported when there is one. */
import { existsSync } from 'node:fs';
import type { KernelModule } from '@kata-containers/common/generated/agent';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { runProgram } from '../processes/program.ts';
import type { Reaper } from '../processes/reaper.ts';

/** True when the module is loaded, or built in with parameters. */
const isLoaded = (name: string): boolean => existsSync(`/sys/module/${name.replaceAll('-', '_')}`);

/** @throws Error */
export async function loadModule({ name, parameters }: KernelModule, reaper: Reaper): Promise<void> {
  if (name === '') throw new Error('Kernel module name is empty');
  if (/^-|\//.test(name)) throw new Error(`Kernel module name ${JSON.stringify(name)} is invalid`);
  if (parameters.length === 0 && isLoaded(name)) return;
  await runProgram(reaper, 'modprobe', ['-v', name, ...parameters]).catch((error: unknown) => {
    throw new Error(`could not load module: ${errorMessage(error)}`);
  });
}

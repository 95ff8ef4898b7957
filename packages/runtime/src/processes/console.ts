/** The terminal of a container: created here when the engine waits for it on a socket (runc's --console-socket). */
import { closeSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

export interface ConsoleRequest {
  readonly terminal: boolean;
  /** Slave of an existing pseudo terminal. */
  readonly console?: string;
  /** Unix socket that receives the new terminal's master. */
  readonly consoleSocket?: string;
}

/**
 * Path of the slave that becomes the shim's stdio; undefined without a terminal of its own.
 * @throws KataError when the options contradict each other
 */
export function openConsole(
  request: ConsoleRequest,
  kernel: Pick<Kernel, 'openPty' | 'setOutputNewlineMapping' | 'sendDescriptor'>,
): string | undefined {
  const { terminal, console: existing, consoleSocket } = request;
  if (consoleSocket !== undefined && !terminal) throw new KataError('cannot use console socket if the process has no terminal');
  if (consoleSocket === undefined) return terminal ? existing : undefined;
  const { master, slavePath } = kernel.openPty();
  try {
    // The guest's terminal converts line ends already.
    kernel.setOutputNewlineMapping(master, false);
    kernel.sendDescriptor(consoleSocket, master, slavePath);
  } finally {
    closeSync(master);
  }
  return slavePath;
}

/**
 * The helper that gives a VM the changes of its network. kata-shim sees them, and has not the rights to do anything about them: it reads what
 * the guest sends (ADR 13, ADR 14).
 */
import { closeSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { spawnApart } from './spawn-apart.ts';
import type { Started } from './spawn-apart.ts';

/** For each line of its input it runs its arguments, and writes the exit code. It ends with its input: with the shim. */
const SCRIPT = 'while read -r _; do "$@" </dev/null >/dev/null; echo $?; done';

export interface NetworkHelper {
  readonly started: Started;
  /** The other end of its input and output. The caller closes it. */
  readonly socket: number;
}

/** A shell, which has a fiftieth of the memory of one of our programs. @throws KataError, KernelError */
export function startNetworkHelper(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
  kernel: Pick<Kernel, 'socketPair'>,
): NetworkHelper {
  const [socket, other] = kernel.socketPair();
  try {
    const args = ['-c', SCRIPT, 'sh', ...command];
    const started = spawnApart({ binary: '/bin/sh', args, stdio: [other, other, 'ignore'], detached: true, environment });
    return { started, socket };
  } catch (error) {
    closeSync(socket);
    throw error;
  } finally {
    closeSync(other);
  }
}

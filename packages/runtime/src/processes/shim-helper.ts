/**
 * The helper of a shim: runs the commands that need rights which kata-shim has given up, because kata-shim reads what the guest sends (ADR 13,
 * ADR 14).
 */
import { closeSync } from 'node:fs';
import type { HelperRequest } from '@kata-containers/common/command-lines/shim-command-line';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { shellQuote } from './shell-quote.ts';
import { spawnDetached } from './spawn-detached.ts';
import type { SpawnedProcess } from './spawn-detached.ts';

/** The command that each request runs. The commands are fixed when the helper starts. */
export type HelperCommands = Readonly<Partial<Record<HelperRequest, readonly string[]>>>;

export interface ShimHelper {
  readonly started: SpawnedProcess;
  /** The other end of its input and output. The caller closes it. */
  readonly socket: number;
  readonly requests: readonly HelperRequest[];
}

const EXIT_UNKNOWN_REQUEST = 2;

/**
 * For each line of input the shell runs the command of the request and writes the exit code. It exits at the end of its input, that is,
 * with the shim.
 */
function script(commands: HelperCommands): string {
  const cases = Object.entries(commands).map(([request, args]) => `${request}) ${args.map(shellQuote).join(' ')};;`);
  return `while read -r r; do case $r in ${cases.join(' ')} *) (exit ${EXIT_UNKNOWN_REQUEST});; esac </dev/null >/dev/null; echo $?; done`;
}

/** Starts the helper, a shell, which uses a fiftieth of the memory of kata-runtime. @throws KataError, KernelError */
export function startShimHelper(commands: HelperCommands, environment: NodeJS.ProcessEnv, kernel: Pick<Kernel, 'socketPair'>): ShimHelper {
  const [socket, other] = kernel.socketPair();
  try {
    const args = ['-c', script(commands), 'sh'];
    const started = spawnDetached({ binary: '/bin/sh', args, stdio: [other, other, 'ignore'], detached: true, environment });
    return { started, socket, requests: Object.keys(commands) as HelperRequest[] };
  } catch (error) {
    closeSync(socket);
    throw error;
  } finally {
    closeSync(other);
  }
}

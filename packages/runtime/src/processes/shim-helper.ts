/**
 * The helper of a shim: runs the commands that need rights which kata-shim has given up, because kata-shim reads what the guest sends (ADR 13,
 * ADR 14).
 */
import { closeSync } from 'node:fs';
import { NAMED } from '@kata-containers/common/command-lines/shim-command-line';
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
/** Address space of the shell, in KiB: a line of a shim that a guest has taken over can have any length. Its commands have no such limit. */
const SHELL_KIB = 65536;

/**
 * Cases of the shell's loop for one request. `network` after NAMED runs in the background: `oom` is reported meanwhile. It first waits for
 * the last `network`, so that not more than one command of each request runs, whatever the shim sends.
 */
function requestCases(request: string, args: readonly string[]): string {
  const run = `(ulimit -S -v "$limit"; exec ${args.map(shellQuote).join(' ')} </dev/null >/dev/null)`;
  const named = `${run}; echo "${request} $?"`;
  return `${request}) ${run}; echo $?;; "${NAMED} ${request}") ${request === 'network' ? `wait; { ${named}; } &` : named};;`;
}

/** For each line of input the shell runs the command of the request and writes its exit code. It exits with its commands and the shim. */
function script(commands: HelperCommands): string {
  const cases = Object.entries(commands).map(([request, args]) => requestCases(request, args));
  const limit = `limit=$(ulimit -S -v); ulimit -S -v ${SHELL_KIB}`;
  return `${limit}; while read -r r; do case $r in ${cases.join(' ')} *) echo ${EXIT_UNKNOWN_REQUEST};; esac; done; wait`;
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

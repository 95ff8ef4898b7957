/** Processes in the guest's own namespaces, beside the containers, for `kata-runtime kata-shell`. */
import { closeSync, constants, openSync } from 'node:fs';
import { once } from 'node:events';
import { constants as osConstants } from 'node:os';
import { status } from '@grpc/grpc-js';
import { guestItself } from '@kata-containers/common/agent-api/guest-processes';
import type { Process as ProcessMessage } from '@kata-containers/common/generated/oci';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Reaper } from '../processes/reaper.ts';
import type { Cancellable } from './attached-calls.ts';
import { followProcess } from './follow-process.ts';
import { pipeStdio } from './process.ts';
import type { GuestProcess, ExitStatus } from './process.ts';
import { ProcessIo } from './process-io.ts';
import { ProcessTable } from './process-table.ts';

interface Tools {
  readonly kernel: Kernel;
  readonly reaper: Pick<Reaper, 'spawn'>;
  readonly log: Logger;
}

interface Ends {
  readonly stdio: readonly number[];
  open(): ProcessIo | Promise<ProcessIo>;
  release(): void;
}

/** A terminal of the guest's own devpts. */
function terminalEnds(kernel: Kernel): Ends {
  const { master, slavePath } = kernel.openPty();
  const slave = openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY);
  let isOpen = false;
  return {
    stdio: [slave, slave, slave],
    open() {
      isOpen = true;
      return new ProcessIo({ kind: 'terminal', master }, kernel, kernel.duplicate);
    },
    release() {
      closeSync(slave);
      if (!isOpen) closeSync(master);
    },
  };
}

function pipeEnds(kernel: Kernel, nullStdin: boolean): Ends {
  const { forCrun, open, release } = pipeStdio(kernel, 0, nullStdin);
  return { stdio: forCrun, open, release };
}

const variables = (env: readonly string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(env.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]));

export class GuestShell {
  readonly #tools: Tools;
  readonly #processes = new ProcessTable(guestItself);

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async exec(execId: string, message: ProcessMessage | undefined): Promise<void> {
    if (!message) throw new GrpcError(status.INVALID_ARGUMENT, 'Process cannot be nil');
    await this.#processes.add(execId, () => this.#start(message));
  }

  /** @throws GrpcError */
  process(execId: string): GuestProcess {
    return this.#processes.get(execId);
  }

  async wait(execId: string, call: Cancellable): Promise<ExitStatus> {
    return { code: await this.#processes.wait(execId, call), isOomKilled: false };
  }

  takeExit(execId: string, entry: GuestProcess): number | undefined {
    return this.#processes.takeExit(execId, entry);
  }

  signal(execId: string, signal: number): void {
    const { exitCode, pid } = this.process(execId);
    if (exitCode() !== undefined) throw new Error('os: process already finished');
    this.#tools.kernel.kill(pid, signal);
  }

  /** busybox' setsid gives the process its terminal, as that of the debug console. */
  async #start({ Args, Cwd, Env, Terminal, NullStdin }: ProcessMessage): Promise<GuestProcess> {
    const { kernel, reaper, log } = this.#tools;
    const ends = Terminal ? terminalEnds(kernel) : pipeEnds(kernel, NullStdin);
    try {
      const options = { stdio: [...ends.stdio], env: variables(Env), cwd: Cwd === '' ? '/' : Cwd };
      const child = reaper.spawn('busybox', ['setsid', ...(Terminal ? ['-c'] : []), ...Args], options);
      child.on('error', () => {}); // reported below: without a pid the process was not started
      const ended = once(child, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
      const exited = ended.then(([code, signal]) => code ?? 128 + osConstants.signals[signal ?? 'SIGKILL']);
      exited.catch(() => {});
      if (child.pid === undefined) throw new GrpcError(status.INTERNAL, 'a shell in the guest cannot be started');
      const io = await ends.open();
      return followProcess({ pid: child.pid, exited, io }, { kernel, log, container: guestItself, isFirst: false, onEnd: () => {} });
    } finally {
      ends.release();
    }
  }
}

/** Runs a program when links, addresses or routes of this process' network namespace change: 1.x had kata-netmon for that. */
import { spawn } from 'node:child_process';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

/** What belongs together arrives within this time: a link, its address, its routes. */
const SETTLE_MS = 100;
/** Most bytes of one netlink message that is looked at: its kind does not matter. */
const MESSAGE_BYTES = 8192;

/** Runs `command` once at a time, and once more when there were changes meanwhile. */
export class ChangeRunner {
  readonly #run: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #isDirty = false;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  onChange(): void {
    this.#isDirty = true;
    if (!this.#isRunning) this.#timer ??= setTimeout(() => void this.#start(), SETTLE_MS).unref();
  }

  async #start(): Promise<void> {
    this.#timer = undefined;
    this.#isRunning = true;
    this.#isDirty = false;
    await this.#run();
    this.#isRunning = false;
    if (this.#isDirty) this.onChange();
  }
}

/** Resolves when the program has ended. */
function runProgram([program = '', ...args]: readonly string[], environment: NodeJS.ProcessEnv, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment, cwd: '/' });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
    child.on('error', (error) => (said = errorMessage(error)));
    child.on('close', (code) => {
      if (code !== 0) log.error('the VM does not have the changes of its network', { reason: said.trim() });
      resolve();
    });
  });
}

export interface NetworkWatch {
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** Watches until the process ends. @throws KernelError */
export function watchNetwork({ command, environment }: NetworkWatch, kernel: Pick<Kernel, 'openNetworkMonitor'>, log: Logger): void {
  const runner = new ChangeRunner(() => runProgram(command, environment, log));
  const open = (): void => {
    const onRead = (): boolean => {
      runner.onChange();
      return true;
    };
    const stream = openPollableStream(kernel.openNetworkMonitor(), {
      direction: 'read',
      readBuffer: Buffer.allocUnsafeSlow(MESSAGE_BYTES),
      onRead,
    });
    stream.unref();
    // More messages than the socket holds (ENOBUFS): what they said is seen anyway, and a new socket gets the next ones.
    stream.on('error', () => {
      runner.onChange();
      open();
    });
    stream.resume();
  };
  open();
}

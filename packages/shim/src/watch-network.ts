/** Applies changes of the network namespace to the VM, like kata-netmon of 1.x. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { RuntimeHelper } from './runtime-helper.ts';

/** Changes within this time belong together: a link, its address, its routes. */
const SETTLE_MS = 100;
/** Bytes of the read buffer: the content of messages does not matter. */
const MESSAGE_BYTES = 8192;

/** Serializes runs of a function: changes during a run cause one more run. */
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

/** @returns a function that resolves when the changes are applied to the VM, or the helper has failed */
const syncBy = (helper: RuntimeHelper, log: Logger) => async (): Promise<void> => {
  const code = await helper.run('network');
  if (code !== 0) log.error("changes of the network were not applied to the VM; kata-runtime's log has the cause");
};

/** Watches until the process ends. @throws KernelError */
export function watchNetwork(helper: RuntimeHelper, kernel: Pick<Kernel, 'openNetworkMonitor'>, log: Logger): void {
  const runner = new ChangeRunner(syncBy(helper, log));
  const onRead = (): boolean => {
    runner.onChange();
    return true;
  };
  const readBuffer = Buffer.allocUnsafeSlow(MESSAGE_BYTES);
  const stream = openPollableStream(kernel.openNetworkMonitor(), { direction: 'read', readBuffer, onRead });
  stream.unref();
  stream.on('error', (error) => log.error('changes of the network are no longer noticed', { reason: errorMessage(error) }));
  stream.resume();
}

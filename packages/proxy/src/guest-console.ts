/** What the guest's kernel says last: a panic is known from its console alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { followConsole } from '@kata-containers/common/console/console-tail';
import type { ConsoleTail } from '@kata-containers/common/console/console-tail';

/** The console ends with QEMU, as the channel to the guest does. */
const END_MS = 1000;

export class GuestConsole {
  readonly #tail: ConsoleTail | undefined;

  /**
   * Without a socket nothing is followed. QEMU serves one reader at a time, in the order of their calls: the runtime, which calls before it
   * starts the proxy, reads the console until the guest has answered.
   */
  constructor(socket: string | undefined) {
    this.#tail = socket === undefined ? undefined : followConsole(socket);
  }

  /** Once everything was read, if that is soon; printable characters only. */
  async lastLines(): Promise<string> {
    if (!this.#tail) return '';
    await Promise.race([this.#tail.ended, sleep(END_MS)]);
    const lines = this.#tail.lastLines();
    this.#tail.close();
    return lines;
  }
}

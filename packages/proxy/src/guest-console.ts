/** What the guest's kernel says last: a panic is known from its console alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { followConsole } from '@kata-containers/common/console/console-tail';
import type { ConsoleTail } from '@kata-containers/common/console/console-tail';

/** The console ends with QEMU, as the channel to the guest does. */
const END_MS = 1000;

export class GuestConsole {
  readonly #socket: string | undefined;
  #tail: ConsoleTail | undefined;

  /** Without a socket nothing is followed. */
  constructor(socket: string | undefined) {
    this.#socket = socket;
  }

  /**
   * To be called once a client of the proxy has connected: QEMU serves one reader at a time, in the order of their calls, and the runtime
   * reads the console from before its first call to the guest until the answer.
   */
  follow(): void {
    if (this.#socket !== undefined) this.#tail = followConsole(this.#socket);
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

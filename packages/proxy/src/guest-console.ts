/** Keeps the last lines of the guest's console, which show whether the kernel panicked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { followConsole } from '@kata-containers/common/console/console-tail';
import type { ConsoleTail } from '@kata-containers/common/console/console-tail';

/** Time to read the rest of the console: QEMU's end closes the console and the channel to the agent. */
const END_MS = 1000;

export class GuestConsole {
  readonly #tail: ConsoleTail | undefined;

  /**
   * Without a socket path, the console is not read. QEMU serves one client at a time, in the order of connections: the runtime connects
   * before it starts the proxy, and reads the console itself until the guest has answered.
   */
  constructor(socket: string | undefined) {
    this.#tail = socket === undefined ? undefined : followConsole(socket);
  }

  /** Waits a moment for the rest of the console. Returns printable characters only. */
  async lastLines(): Promise<string> {
    if (!this.#tail) return '';
    await Promise.race([this.#tail.ended, sleep(END_MS)]);
    const lines = this.#tail.lastLines();
    this.#tail.close();
    return lines;
  }
}

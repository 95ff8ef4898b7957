/** Keeps VMs ready: makes one at a time, and none while containers are being started. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

export interface PoolSettings<T> {
  readonly size: number;
  make(): Promise<T>;
  /** True while the VM can be handed over. */
  isUsable(vm: T): boolean;
  /** Ends a VM; never fails. */
  discard(vm: T): Promise<void>;
  readonly log: Logger;
  /** Milliseconds without a request until VMs are made again. An empty pool is filled at once. */
  readonly quietMs: number;
  /** Milliseconds until the next attempt after a failure. */
  readonly retryMs: number;
}

export class VmPool<T> {
  readonly #settings: PoolSettings<T>;
  #hasEnded = false;
  /** Ends the current pause early. */
  #wake: () => void = () => {};
  #ready: T[] = [];
  #filling: Promise<void> | undefined;
  readonly #discards = new Set<Promise<void>>();
  #lastTaken = -Infinity;

  constructor(settings: PoolSettings<T>) {
    this.#settings = settings;
    this.#fill();
  }

  /** VMs that can be handed over. VMs that cannot are discarded. */
  ready(): readonly T[] {
    const { isUsable } = this.#settings;
    const useless = this.#ready.filter((vm) => !isUsable(vm));
    this.#ready = this.#ready.filter((vm) => !useless.includes(vm));
    for (const vm of useless) this.#discard(vm);
    this.#fill();
    return this.#ready;
  }

  /** The oldest ready VM. Undefined when no VM is ready: the client can start a VM as fast as the server. */
  take(): T | undefined {
    const [vm] = this.ready();
    this.#ready = this.#ready.slice(1);
    this.#lastTaken = performance.now();
    if (this.#ready.length === 0) this.#wake();
    this.#fill();
    return vm;
  }

  /** Takes back a VM that did not reach its client. */
  giveBack(vm: T): void {
    if (this.#hasEnded) this.#discard(vm);
    else this.#ready.unshift(vm);
  }

  /** Ends the remaining VMs, and waits until all discarded VMs have ended. */
  async close(): Promise<void> {
    this.#hasEnded = true;
    this.#wake();
    await this.#filling;
    for (const vm of this.#ready.splice(0)) this.#discard(vm);
    await Promise.all(this.#discards);
  }

  #discard(vm: T): void {
    const discard = this.#settings.discard(vm).finally(() => this.#discards.delete(discard));
    this.#discards.add(discard);
  }

  #fill(): void {
    if (!this.#isWanting()) return;
    this.#filling ??= this.#fillUp().finally(() => {
      this.#filling = undefined;
      this.#fill();
    });
  }

  #isWanting = (): boolean => !this.#hasEnded && this.#ready.length < this.#settings.size;

  async #fillUp(): Promise<void> {
    while (this.#isWanting()) {
      const quietFor = performance.now() - this.#lastTaken;
      if (this.#ready.length > 0 && quietFor < this.#settings.quietMs) await this.#pause(this.#settings.quietMs - quietFor);
      else await this.#makeOne();
    }
  }

  async #makeOne(): Promise<void> {
    try {
      const vm = await this.#settings.make();
      this.#ready.push(vm);
    } catch (error) {
      this.#settings.log.warn('a VM for the cache could not be made', { reason: errorMessage(error) });
      await this.#pause(this.#settings.retryMs);
    }
  }

  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wake = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }
}

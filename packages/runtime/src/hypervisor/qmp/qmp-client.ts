/** Client of QEMU's monitor: commands with their replies, and events. */
import type { Duplex } from 'node:stream';
import { HypervisorError, QmpError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { socketDescriptor } from '@kata-containers/common/kernel/socket-descriptor';
import { LineSplitter, formatQmpCommand, parseQmpMessage } from './qmp-message.ts';
import type { QmpEvent, QmpMessage } from './qmp-message.ts';

interface Pending {
  readonly command: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Time limit of a command. QEMU answers from its main loop, within milliseconds even with TCG. */
const COMMAND_TIMEOUT_MS = 5000;

export class QmpClient {
  readonly #connection: Duplex;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #eventListeners = new Set<(event: QmpEvent) => void>();
  readonly #greeted: Promise<void>;
  #onGreeting: () => void = () => {};
  #onFailure: (error: Error) => void = () => {};
  #nextId = 1;
  #failure: Error | undefined;

  private constructor(connection: Duplex, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#greeted = new Promise((resolve, reject) => {
      this.#onGreeting = resolve;
      this.#onFailure = reject;
    });
    this.#greeted.catch(() => {});
    this.#listen();
  }

  /** Waits for the greeting and negotiates. @throws TimeoutError, HypervisorError */
  static async open(connection: Duplex, timeoutMs = COMMAND_TIMEOUT_MS): Promise<QmpClient> {
    const client = new QmpClient(connection, timeoutMs);
    const timer = setTimeout(() => client.#fail(new TimeoutError("QEMU's QMP greeting", timeoutMs)), timeoutMs);
    try {
      await client.#greeted;
    } finally {
      clearTimeout(timer);
    }
    await client.execute('qmp_capabilities');
    return client;
  }

  /** Runs one command. @throws QmpError when QEMU refuses, TimeoutError, HypervisorError when the connection ends */
  execute(command: string, values?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#send(command, values, (text) => this.#connection.write(text));
  }

  /**
   * Passes an fd to QEMU by `name`. The fd is sent with the bytes of the command, which must be the only ones in flight.
   * @throws as `execute`, KernelError
   */
  giveDescriptor(name: string, fd: number, kernel: Pick<Kernel, 'sendDescriptorOver'>): Promise<unknown> {
    return this.#sendWith('getfd', { fdname: name }, fd, kernel);
  }

  /**
   * Passes an fd to QEMU, which uses it as /dev/fdset/SET instead of a path that it cannot open. query-fdsets shows `path`.
   * @returns the set, and the fd's number in QEMU.
   * @throws as `giveDescriptor`
   */
  async addDescriptor(
    fd: number,
    path: string,
    kernel: Pick<Kernel, 'sendDescriptorOver'>,
  ): Promise<{ readonly set: number; readonly fd: number }> {
    const added = (await this.#sendWith('add-fd', { opaque: path }, fd, kernel)) as { readonly 'fdset-id': number; readonly fd: number };
    return { set: added['fdset-id'], fd: added.fd };
  }

  #sendWith(
    command: string,
    values: Readonly<Record<string, unknown>>,
    fd: number,
    kernel: Pick<Kernel, 'sendDescriptorOver'>,
  ): Promise<unknown> {
    return this.#send(command, values, (text) => kernel.sendDescriptorOver(socketDescriptor(this.#connection), fd, text));
  }

  #send(command: string, values: Readonly<Record<string, unknown>> | undefined, write: (text: string) => void): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new TimeoutError(`QMP ${command}`, this.#timeoutMs));
      }, this.#timeoutMs);
      this.#pending.set(id, { command, timer, resolve, reject });
      try {
        write(formatQmpCommand(command, values, id));
      } catch (error) {
        clearTimeout(timer);
        this.#pending.delete(id);
        throw error;
      }
    });
  }

  /** Calls `listener` for each event. @returns a function that removes the listener */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  close(): void {
    this.#fail(new HypervisorError('the QMP connection was closed', ''));
    this.#connection.destroy();
  }

  #listen(): void {
    const splitter = new LineSplitter();
    this.#connection.on('data', (chunk: Buffer) => {
      try {
        for (const line of splitter.push(chunk.toString('utf8'))) this.#receive(parseQmpMessage(line));
      } catch (error) {
        this.#fail(new HypervisorError('QEMU sent an invalid QMP message', '', { cause: error }));
        this.#connection.destroy();
      }
    });
    this.#connection.on('error', () => this.#fail(new HypervisorError('the QMP connection failed', '')));
    this.#connection.on('close', () => this.#fail(new HypervisorError('QEMU closed the QMP connection', '')));
  }

  #receive(message: QmpMessage | undefined): void {
    if (message?.kind === 'greeting') this.#onGreeting();
    else if (message?.kind === 'event') for (const listener of this.#eventListeners) listener(message);
    else if (message !== undefined) this.#settle(message);
  }

  #settle(message: Exclude<QmpMessage, { kind: 'greeting' | 'event' }>): void {
    const pending = message.id === undefined ? undefined : this.#pending.get(message.id);
    if (message.id === undefined || !pending) return;
    this.#pending.delete(message.id);
    clearTimeout(pending.timer);
    if (message.kind === 'return') pending.resolve(message.value);
    else pending.reject(new QmpError(pending.command, message.qmpClass, message.description));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onFailure(error);
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }
}

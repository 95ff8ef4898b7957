/** The processes of one container by exec id. Their number is bounded. */
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Cancellable } from './attached-calls.ts';
import type { GuestProcess } from './process.ts';

/** Maximum number of processes that were not waited for. A guest of the default size has memory for fewer. */
const MAX_PROCESSES = 4096;

export class ProcessTable {
  readonly #containerId: string;
  readonly #table = new Map<string, GuestProcess>();
  /** Ids of processes that are being started. */
  readonly #reserved = new Set<string>();

  constructor(containerId: string) {
    this.#containerId = containerId;
  }

  /** Reserves the id and runs `start`. @throws GrpcError when a process has that id, or when there are too many */
  async add(execId: string, start: () => Promise<GuestProcess>): Promise<GuestProcess> {
    if (this.#table.has(execId) || this.#reserved.has(execId))
      throw new GrpcError(status.ALREADY_EXISTS, `Process ${execId} already exists`);
    if (this.#table.size + this.#reserved.size >= MAX_PROCESSES)
      throw new GrpcError(status.RESOURCE_EXHAUSTED, `container ${this.#containerId} has ${MAX_PROCESSES} processes`);
    this.#reserved.add(execId);
    try {
      const entry = await start();
      this.#table.set(execId, entry);
      return entry;
    } finally {
      this.#reserved.delete(execId);
    }
  }

  /** @throws GrpcError */
  get(execId: string): GuestProcess {
    const entry = this.#table.get(execId);
    if (!entry) throw new GrpcError(status.NOT_FOUND, `Process ${execId} not found (container ${this.#containerId})`);
    return entry;
  }

  /** The exit code, once its readers have read all output. Removes the process from the table. @throws GrpcError */
  async wait(execId: string, call: Cancellable): Promise<number> {
    const found = this.get(execId);
    const end = found.exited.then((code) => found.io.allRead().then(() => code));
    const code = await (found.attachedCalls?.follow(call, end) ?? end);
    this.release(execId, found);
    return code;
  }

  /** The exit code, if the process has ended and the end of each of its outputs was read: then removes the process from the table. */
  takeExit(execId: string, entry: GuestProcess): number | undefined {
    const code = entry.io.isReadToEnd ? entry.exitCode() : undefined;
    if (code !== undefined) this.release(execId, entry);
    return code;
  }

  /** Removes the process, unless another process has the id now. */
  release(execId: string, entry: GuestProcess): void {
    if (this.#table.get(execId) === entry) this.#table.delete(execId);
    entry.io.close();
  }

  clear(): void {
    for (const entry of this.#table.values()) entry.io.close();
    this.#table.clear();
  }
}

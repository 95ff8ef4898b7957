/** The processes of one container, by their exec id. Bounded, whatever the host asks for. */
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Cancellable } from './attached-calls.ts';
import type { GuestProcess } from './process.ts';

/** Processes that were started and not waited for yet. A guest of usual size has memory for fewer. */
const MAX_PROCESSES = 4096;

export class ProcessTable {
  readonly #containerId: string;
  readonly #table = new Map<string, GuestProcess>();
  /** Ids of processes that are being started. */
  readonly #reserved = new Set<string>();

  constructor(containerId: string) {
    this.#containerId = containerId;
  }

  /** Runs `start` with the id taken. @throws GrpcError when there is a process of that id, or too many */
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

  /** The exit code, once all output was read by whoever reads it. The process is forgotten then. @throws GrpcError */
  async wait(execId: string, call: Cancellable): Promise<number> {
    const found = this.get(execId);
    const end = found.exited.then((code) => found.io.allRead().then(() => code));
    const code = await (found.attachedCalls?.follow(call, end) ?? end);
    this.release(execId, found);
    return code;
  }

  /** Removes the process, if it still has the id. */
  release(execId: string, entry: GuestProcess): void {
    if (this.#table.get(execId) === entry) this.#table.delete(execId);
    entry.io.close();
  }

  clear(): void {
    for (const entry of this.#table.values()) entry.io.close();
    this.#table.clear();
  }
}

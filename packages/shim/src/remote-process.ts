/** The process that the shim represents, accessed through the agent's service. */
import { EXIT_TRAILER, parseExitCode } from '@kata-containers/common/agent-api/exit-trailer';
import type { CallOptions, GrpcClient } from '@kata-containers/common/grpc/grpc-client';
import type { TracedCall } from '@kata-containers/common/tracing/trace';
import { encodeMessage, readField } from './agent-message.ts';
import type { Field } from './agent-message.ts';

export type OutputName = 'stdout' | 'stderr';

/** Size of an answer without the bytes of output. */
export const MESSAGE_OVERHEAD_BYTES = 64;

/** Numbers of fields (agent.proto). */
const FIRST = 1;
const OOM_KILLED = 100;
const WANTS_EXIT = 100;

function numberIn(answer: Buffer, field: number): number {
  const value = readField(answer, field);
  return typeof value === 'number' ? value : 0;
}

export interface ExitStatus {
  /** Exit code, or 128 + the signal that ended the process. */
  readonly code: number;
  /** Whether the guest has OOM-killed a process of the container; false for an exec'd process. */
  readonly isOomKilled: boolean;
}

export class RemoteProcess {
  readonly #agent: GrpcClient;
  /** Fields 1 and 2 of each request: container_id and exec_id. */
  readonly #identity: readonly Field[];
  #exit: ExitStatus | undefined;

  constructor(agent: GrpcClient, container: string, execId: string) {
    this.#agent = agent;
    this.#identity = [
      [1, container],
      [2, execId],
    ];
  }

  /** Resolves when the agent is lost. */
  get lost(): Promise<unknown> {
    return this.#agent.ended;
  }

  /** Reads at most `length` bytes of output into memory from `allocate`, which is called with up to `MESSAGE_OVERHEAD_BYTES` more. @throws AgentError with the text EOF at the end */
  async read(output: OutputName, length: number, allocate: (length: number) => Buffer): Promise<Buffer> {
    const name = output === 'stdout' ? 'ReadStdout' : 'ReadStderr';
    const answer = { maxBytes: length + MESSAGE_OVERHEAD_BYTES, allocate };
    const onTrailers = (trailers: ReadonlyMap<string, string>): void => {
      const code = parseExitCode(trailers.get(EXIT_TRAILER));
      if (code !== undefined) this.#exit = { code, isOomKilled: false };
    };
    const fields = [
      [3, length],
      [WANTS_EXIT, 1],
    ] as const;
    const data = readField(await this.#call(name, fields, { deadlineMs: 'none', answer, onTrailers }), FIRST);
    return Buffer.isBuffer(data) ? data : Buffer.alloc(0);
  }

  /** @returns how many bytes were accepted; 0 when the process has closed its end. @throws AgentError */
  async write(data: Buffer): Promise<number> {
    const answer = await this.#call('WriteStdin', [[3, data]], { deadlineMs: 'none' });
    return Math.min(numberIn(answer, FIRST) >>> 0, data.length);
  }

  async closeInput(): Promise<void> {
    await this.#call('CloseStdin', []);
  }

  async signal(signal: number): Promise<void> {
    await this.#call('SignalProcess', [[3, signal]]);
  }

  async resize(rows: number, columns: number): Promise<void> {
    await this.#call('TtyWinResize', [
      [3, rows],
      [4, columns],
    ]);
  }

  /** The status that came with the end of the output; then the agent has removed the process. */
  get exit(): ExitStatus | undefined {
    return this.#exit;
  }

  /** Waits for the end of the process. Call it once: the agent then removes the process. @throws AgentError */
  async wait(additions: TracedCall): Promise<ExitStatus> {
    const answer = await this.#call('WaitProcess', [], { deadlineMs: 'none', ...additions });
    return { code: numberIn(answer, FIRST), isOomKilled: numberIn(answer, OOM_KILLED) !== 0 };
  }

  /** Calls an RPC. The request has the ids of the process, and then `fields`. */
  #call(name: string, fields: readonly Field[], options?: CallOptions): Promise<Buffer> {
    return this.#agent.call(`/grpc.AgentService/${name}`, encodeMessage([...this.#identity, ...fields]), options);
  }
}

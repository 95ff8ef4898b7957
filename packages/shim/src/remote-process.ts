/** The process that the shim represents, accessed through the agent's service. */
import type { CallOptions, GrpcClient } from '@kata-containers/common/grpc/grpc-client';
import { encodeMessage, firstField } from './agent-message.ts';
import type { Field } from './agent-message.ts';

export type OutputName = 'stdout' | 'stderr';

/** Size of an answer besides its bytes. */
export const MESSAGE_OVERHEAD_BYTES = 64;

export class RemoteProcess {
  readonly #agent: GrpcClient;
  /** Fields 1 and 2 of each request: container_id and exec_id. */
  readonly #identity: readonly Field[];

  constructor(agent: GrpcClient, container: string, execId: string) {
    this.#agent = agent;
    this.#identity = [
      [1, container],
      [2, execId],
    ];
  }

  /** Reads at most `length` bytes of output into memory from `allocate`, which is called with up to `MESSAGE_OVERHEAD_BYTES` more. @throws AgentError with the text EOF at the end */
  async read(output: OutputName, length: number, allocate: (length: number) => Buffer): Promise<Buffer> {
    const name = output === 'stdout' ? 'ReadStdout' : 'ReadStderr';
    const answer = { maxBytes: length + MESSAGE_OVERHEAD_BYTES, allocate };
    const data = firstField(await this.#call(name, [[3, length]], { deadlineMs: 'none', answer }));
    return Buffer.isBuffer(data) ? data : Buffer.alloc(0);
  }

  /** @returns how many bytes were accepted; 0 when the process has closed its end. @throws AgentError */
  async write(data: Buffer): Promise<number> {
    const taken = await this.#number('WriteStdin', [[3, data]]);
    return Math.min(taken >>> 0, data.length);
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

  /** The exit code, or 128 + the signal. Can be called once: the agent then removes the process. @throws AgentError */
  wait(): Promise<number> {
    return this.#number('WaitProcess', []);
  }

  async #number(name: string, fields: readonly Field[]): Promise<number> {
    const value = firstField(await this.#call(name, fields, { deadlineMs: 'none' }));
    return typeof value === 'number' ? value : 0;
  }

  /** `fields` follow the ids of the process. */
  #call(name: string, fields: readonly Field[], options?: CallOptions): Promise<Buffer> {
    return this.#agent.call(`/grpc.AgentService/${name}`, encodeMessage([...this.#identity, ...fields]), options);
  }
}

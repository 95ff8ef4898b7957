/** The process that a shim stands for, as the agent's service gives it to us. */
import type { CallOptions, GrpcClient } from '@kata-containers/common/grpc/grpc-client';
import { encodeMessage, firstField } from './agent-message.ts';
import type { Field } from './agent-message.ts';

export type OutputName = 'stdout' | 'stderr';

/** Room in an answer for what is around its bytes. */
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

  /** At most `length` bytes of output, in memory from `allocate`, which is to give that and `MESSAGE_OVERHEAD_BYTES` when asked to. @throws AgentError with the text EOF at the end */
  async read(output: OutputName, length: number, allocate: (length: number) => Buffer): Promise<Buffer> {
    const name = output === 'stdout' ? 'ReadStdout' : 'ReadStderr';
    const answer = { maxBytes: length + MESSAGE_OVERHEAD_BYTES, allocate };
    const data = firstField(await this.#call(name, [[3, length]], { deadlineMs: 'none', answer }));
    return Buffer.isBuffer(data) ? data : Buffer.alloc(0);
  }

  /** How much of `data` was taken; none when the process has closed its end. @throws AgentError */
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

  /** Exit code, as it is or 128 + a signal. Known once; the agent forgets the process then. @throws AgentError */
  wait(): Promise<number> {
    return this.#number('WaitProcess', []);
  }

  async #number(name: string, fields: readonly Field[]): Promise<number> {
    const value = firstField(await this.#call(name, fields, { deadlineMs: 'none' }));
    return typeof value === 'number' ? value : 0;
  }

  /** `fields` follow those that say which process is meant. */
  #call(name: string, fields: readonly Field[], options?: CallOptions): Promise<Buffer> {
    return this.#agent.call(`/grpc.AgentService/${name}`, encodeMessage([...this.#identity, ...fields]), options);
  }
}

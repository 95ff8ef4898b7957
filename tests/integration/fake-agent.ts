/** A fake agent for the shim: a gRPC server on a unix socket. The test plays the process. */
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { EXIT_TRAILER } from '../../packages/common/src/agent-api/exit-trailer.ts';
import { AgentServiceDefinition } from '../../packages/common/src/generated/agent.ts';
import type {
  ReadStreamRequest,
  SignalProcessRequest,
  TtyWinResizeRequest,
  WriteStreamRequest,
} from '../../packages/common/src/generated/agent.ts';
import { grpcService } from '../../packages/common/src/grpc/service.ts';

/** Returns one piece of output; undefined at the end. */
export type Reader = (length: number) => Promise<Buffer | undefined>;

export interface FakeProcess {
  readonly stdout?: Reader;
  readonly stderr?: Reader;
  /** Resolves to the exit code. */
  readonly exit?: () => Promise<number>;
  readonly write?: (data: Buffer) => Promise<number>;
  /** The exit code that comes with the end of each output. An agent of 1.x does not send it. */
  readonly exitWithOutput?: number;
  /** Whether its container ran out of memory. */
  readonly isOomKilled?: boolean;
}

/** Requests of the shim. */
export interface Seen {
  readonly signals: number[];
  readonly sizes: string[];
  readonly input: Buffer[];
  stdinClosed: number;
}

type Answer = (error: { code: status; details: string } | null, value?: unknown, trailers?: Metadata) => void;
type Call<T> = (call: { request: T }, answer: Answer) => void;

/** The pieces, one after the other, then the end. */
export function pieces(...texts: (string | Buffer)[]): Reader {
  const left = texts.map((piece) => Buffer.from(piece));
  return () => Promise.resolve(left.shift());
}

/** Never returns output. */
export const never = (): Promise<never> => new Promise(() => {});

const empty: Reader = () => Promise.resolve(undefined);

export class FakeAgent {
  readonly seen: Seen = { signals: [], sizes: [], input: [], stdinClosed: 0 };
  readonly #server = new Server({ 'grpc.max_receive_message_length': 8 << 20, 'grpc.max_send_message_length': 64 << 20 });

  static async start(socket: string, played: FakeProcess): Promise<FakeAgent> {
    const agent = new FakeAgent();
    const { seen } = agent;
    const read =
      (reader: Reader): Call<ReadStreamRequest> =>
      ({ request }, answer) =>
        void reader(request.len).then((data) => {
          const trailers = new Metadata();
          if (played.exitWithOutput !== undefined) trailers.set(EXIT_TRAILER, String(played.exitWithOutput));
          if (data) answer(null, { data });
          else answer({ code: status.UNKNOWN, details: 'EOF' }, undefined, trailers);
        });
    const calls: Record<string, Call<never>> = Object.fromEntries(
      Object.keys(AgentServiceDefinition.methods).map((name) => [
        name,
        (_call: unknown, answer: Answer) => answer({ code: status.UNIMPLEMENTED, details: name }),
      ]),
    );
    Object.assign(calls, {
      readStdout: read(played.stdout ?? empty),
      readStderr: read(played.stderr ?? empty),
      waitProcess: (_: unknown, answer: Answer) =>
        void (played.exit ?? (() => Promise.resolve(0)))().then((code) =>
          answer(null, { status: code, oom_killed: played.isOomKilled ?? false }),
        ),
      writeStdin: (async ({ request }, answer) => {
        seen.input.push(request.data);
        answer(null, { len: played.write ? await played.write(request.data) : request.data.length });
      }) as Call<WriteStreamRequest>,
      closeStdin: (_: unknown, answer: Answer) => {
        seen.stdinClosed++;
        answer(null, {});
      },
      signalProcess: (({ request }, answer) => {
        seen.signals.push(request.signal);
        answer(null, {});
      }) as Call<SignalProcessRequest>,
      ttyWinResize: (({ request }, answer) => {
        seen.sizes.push(`${request.row}x${request.column}`);
        answer(null, {});
      }) as Call<TtyWinResizeRequest>,
    });
    agent.#server.addService(grpcService(AgentServiceDefinition), calls as never);
    await new Promise<void>((resolve, reject) =>
      agent.#server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
    );
    return agent;
  }

  /** Closes all connections, as if the VM had ended. */
  stop(): void {
    this.#server.forceShutdown();
  }
}

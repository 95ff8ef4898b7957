/** Standard streams of processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata, status } from '@grpc/grpc-js';
import { EXIT_TRAILER } from '@kata-containers/common/agent-api/exit-trailer';
import type * as agent from '@kata-containers/common/generated/agent';
import type { GuestProcess } from '../containers/process.ts';
import type { Sandbox } from '../containers/sandbox.ts';
import { MinorGcPacer } from '@kata-containers/common/process/minor-gc-pacer';
import { GrpcError } from '../errors/grpc-error.ts';
import type { CallContext } from './call-context.ts';
import type { AgentHandlers } from './handlers.ts';

/** Most bytes in one answer, whatever the client requests. */
const MAX_READ = 1 << 20;
/** Each answer leaves three times its size as garbage, which the engine would collect by a major GC only. */
const garbage = new MinorGcPacer(MAX_READ);

/** A process that ends closes its outputs first. If it does not end within this time, it continues without outputs. */
const EXIT_MS = 100;

/** The end of output is an error with this text, quoted from 1.x. */
function endOfFile(exitCode?: number): GrpcError {
  const trailers = new Metadata();
  if (exitCode !== undefined) trailers.set(EXIT_TRAILER, String(exitCode));
  return new GrpcError(status.UNKNOWN, 'EOF', trailers);
}

/** @returns undefined at the end, or when the caller is gone */
async function read(source: GuestProcess, which: 'stdout' | 'stderr', length: number, call: CallContext): Promise<Buffer | undefined> {
  const { io, attachedCalls } = source;
  const reading = io.read(which, Math.min(length, MAX_READ), { isGivenUp: call.isCancelled, onGivenUp: call.onCancelled });
  return attachedCalls?.follow(call, reading) ?? reading;
}

export function stdioCalls(sandbox: Sandbox) {
  const find = ({ container_id, exec_id }: { container_id: string; exec_id: string }): GuestProcess =>
    sandbox.processesOf(container_id).process(exec_id);
  const answer = async (
    which: 'stdout' | 'stderr',
    request: agent.ReadStreamRequest,
    call: CallContext,
  ): Promise<agent.ReadStreamResponse> => {
    const { container_id, exec_id, len, wants_exit } = request;
    const processes = sandbox.processesOf(container_id);
    const source = processes.process(exec_id);
    const data = await read(source, which, len, call);
    if (data !== undefined) {
      garbage.count(data.length);
      return { data };
    }
    if (!wants_exit || call.isCancelled() || !source.io.isReadToEnd) throw endOfFile();
    if (source.exitCode() === undefined) await Promise.race([source.exited, sleep(EXIT_MS)]);
    throw endOfFile(call.isCancelled() ? undefined : processes.takeExit(exec_id, source));
  };
  return {
    writeStdin: async (request) => ({
      len: await find(request).io.write(request.data),
    }),
    readStdout: (request, call) => answer('stdout', request, call),
    readStderr: (request, call) => answer('stderr', request, call),
    closeStdin: (request) => find(request).io.closeStdin(),
    ttyWinResize: (request) => find(request).io.resize(request.row, request.column),
  } satisfies Partial<AgentHandlers>;
}

/** Standard streams of processes. */
import type * as agent from '@kata-containers/common/generated/agent';
import type { GuestProcess } from '../containers/process.ts';
import type { Sandbox } from '../containers/sandbox.ts';
import { MinorGcPacer } from '@kata-containers/common/process/minor-gc-pacer';
import type { CallContext } from './call-context.ts';
import type { AgentHandlers } from './handlers.ts';

/** Most bytes in one answer, whatever the client requests. */
const MAX_READ = 1 << 20;
/** Each answer leaves three times its size as garbage, which V8 would collect by a major GC only. */
const garbage = new MinorGcPacer(MAX_READ);

/** The end of output is an error with this text, quoted from 1.x. */
class EndOfFile extends Error {
  constructor() {
    super('EOF');
  }
}

async function read(
  source: GuestProcess,
  which: 'stdout' | 'stderr',
  length: number,
  call: CallContext,
): Promise<agent.ReadStreamResponse> {
  const { io, attachedCalls } = source;
  const reading = io.read(which, Math.min(length, MAX_READ), { isGivenUp: call.isCancelled, onGivenUp: call.onCancelled });
  const data = await (attachedCalls?.follow(call, reading) ?? reading);
  if (data === undefined) throw new EndOfFile();
  garbage.count(data.length);
  return { data };
}

export function stdioCalls(sandbox: Sandbox) {
  const find = ({ container_id, exec_id }: { container_id: string; exec_id: string }): GuestProcess =>
    sandbox.processesOf(container_id).process(exec_id);
  return {
    writeStdin: async (request) => ({
      len: await find(request).io.write(request.data),
    }),
    readStdout: (request, call) => read(find(request), 'stdout', request.len, call),
    readStderr: (request, call) => read(find(request), 'stderr', request.len, call),
    closeStdin: (request) => find(request).io.closeStdin(),
    ttyWinResize: (request) => find(request).io.resize(request.row, request.column),
  } satisfies Partial<AgentHandlers>;
}

/** Standard streams of processes. */
import type * as agent from '@kata-containers/common/generated/agent';
import type { ProcessIo } from '../containers/process-io.ts';
import type { Sandbox } from '../containers/sandbox.ts';
import type { Handlers } from './server.ts';

/** Most bytes given in one answer, whatever the client asks for. */
const MAX_READ = 1 << 20;

/** End of output is an error of this text, to 1.x's shim too. */
class EndOfFile extends Error {
  constructor() {
    super('EOF');
  }
}

async function read(io: ProcessIo, which: 'stdout' | 'stderr', length: number): Promise<agent.ReadStreamResponse> {
  const data = await io.read(which, Math.min(length, MAX_READ));
  if (data === undefined) throw new EndOfFile();
  return { data };
}

export function stdioCalls(sandbox: Sandbox): Handlers {
  const io = ({ container_id, exec_id }: { container_id: string; exec_id: string }): ProcessIo =>
    sandbox.container(container_id).process(exec_id).io;
  return {
    writeStdin: async (request: agent.WriteStreamRequest): Promise<agent.WriteStreamResponse> => ({
      len: await io(request).write(request.data),
    }),
    readStdout: (request: agent.ReadStreamRequest) => read(io(request), 'stdout', request.len),
    readStderr: (request: agent.ReadStreamRequest) => read(io(request), 'stderr', request.len),
    closeStdin: (request: agent.CloseStdinRequest) => io(request).closeStdin(),
    ttyWinResize: (request: agent.TtyWinResizeRequest) => io(request).resize(request.row, request.column),
  };
}

/** stdin → the process, in order, in large pieces, at the pace it reads. */
import { openInput } from './open-stdio.ts';
import type { RemoteProcess } from './run-shim.ts';

/** Largest piece in one request: a request costs tens of milliseconds in an emulated guest, whatever its size. */
const PIECE_BYTES = 256 << 10;

/** Writes one piece, however little of it the agent takes at a time. */
async function writeAll({ agent, container_id, exec_id }: RemoteProcess, piece: Buffer): Promise<boolean> {
  for (let offset = 0; offset < piece.length;) {
    const data = piece.subarray(offset);
    const { len } = await agent.call('writeStdin', { container_id, exec_id, data }, { deadlineMs: 'none' });
    if (len === 0) return false; // the process has closed its end
    offset += Math.min(len, data.length);
  }
  return true;
}

/** What has arrived by now, joined up to one piece. */
function takePiece(input: { read(size?: number): Buffer | null; readonly readableLength: number }): Buffer | null {
  return input.readableLength > PIECE_BYTES ? input.read(PIECE_BYTES) : input.read();
}

/** Until end of file, which is passed on once. @throws AgentError when the process or its VM is gone */
export async function copyInput(target: RemoteProcess, fd: number): Promise<void> {
  const { agent, container_id, exec_id } = target;
  const input = openInput(fd);
  if (input) {
    let open = true;
    input.on('error', () => (open = false)); // a terminal that hangs up, for one
    const ended = new Promise<void>((resolve) =>
      input
        .once('close', resolve)
        .once('end', resolve)
        .once('error', () => resolve()),
    );
    while (open) {
      const piece = takePiece(input) as Buffer | null;
      if (piece !== null) open = await writeAll(target, piece);
      else if (input.readableEnded || input.destroyed) break;
      else await Promise.race([new Promise((resolve) => input.once('readable', resolve)), ended]);
    }
  }
  await agent.call('closeStdin', { container_id, exec_id });
}

/** stdin → the process, in order, in large pieces, at the pace it reads. */
import { InputBuffer } from './input-buffer.ts';
import { openInput } from './open-stdio.ts';
import type { RemoteProcess } from './remote-process.ts';

/** Writes one piece, however little of it the agent takes at a time. */
async function writeAll(target: RemoteProcess, piece: Buffer): Promise<boolean> {
  for (let offset = 0; offset < piece.length;) {
    const taken = await target.write(piece.subarray(offset));
    if (taken === 0) return false; // the process has closed its end
    offset += taken;
  }
  return true;
}

/** Until end of file, which is passed on once. @throws AgentError when the process or its VM is gone */
export async function copyInput(target: RemoteProcess, fd: number): Promise<void> {
  const gathered = new InputBuffer();
  const input = openInput(fd, { onBytes: (bytes) => gathered.add(bytes), onEnd: () => gathered.end() });
  for (let piece = await gathered.take(); piece !== undefined; piece = await gathered.take()) {
    input.resume();
    if (!(await writeAll(target, piece))) break;
  }
  input.stop();
  await target.closeInput();
}

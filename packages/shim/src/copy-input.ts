/** Copies stdin to the process in large pieces, and reads no faster than the process reads. */
import { InputBuffer } from './input-buffer.ts';
import { openInput } from './open-stdio.ts';
import type { Input } from './open-stdio.ts';
import type { RemoteProcess } from './remote-process.ts';

/** Writes one piece; the agent may accept it in parts. */
async function writeAll(target: RemoteProcess, piece: Buffer): Promise<boolean> {
  for (let offset = 0; offset < piece.length;) {
    const taken = await target.write(piece.subarray(offset));
    if (taken === 0) return false; // the process has closed its end
    offset += taken;
  }
  return true;
}

export interface BufferedInput {
  readonly buffer: InputBuffer;
  readonly input: Input;
}

/** No input has been read yet. */
export function openBufferedInput(fd: number): BufferedInput {
  const buffer = new InputBuffer();
  return { buffer, input: openInput(fd, { onBytes: (bytes) => buffer.add(bytes), onEnd: () => buffer.end() }) };
}

/** Copies until end of file, and then closes the stdin of the process once. @throws AgentError when the process or its VM has ended */
export async function copyInput(target: RemoteProcess, { buffer, input }: BufferedInput): Promise<void> {
  input.resume();
  for (let piece = await buffer.take(); piece !== undefined; piece = await buffer.take()) {
    input.resume();
    if (!(await writeAll(target, piece))) break;
  }
  input.stop();
  await target.closeInput();
}

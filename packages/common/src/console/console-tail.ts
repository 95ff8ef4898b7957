/**
 * The last lines of the guest's console, for the error text when the guest does not boot or ends unexpectedly. The runtime reads the
 * console until the guest answers, the proxy after that. Only a tail is kept, because a guest can write without limit.
 */
import type { PollableStream } from '../kernel/pollable-options.ts';
import { connectUnix } from '../kernel/unix-connection.ts';

const KEPT_BYTES = 8192;
/** Longest line in an error text. */
const MAX_LINE = 300;

export interface ConsoleTail {
  /** The last lines, printable characters only, on one line. */
  lastLines(): string;
  close(): void;
  /** Resolves when the console has ended and everything was read. */
  readonly ended: Promise<void>;
}

const NO_CONSOLE: ConsoleTail = { ended: Promise.resolve(), lastLines: () => '', close() {} };

export function followConsole(socketPath: string): ConsoleTail {
  let kept = '';
  const onRead = (piece: Buffer): boolean => {
    kept = (kept + piece.toString('latin1')).slice(-KEPT_BYTES);
    return true;
  };
  let socket: PollableStream;
  try {
    socket = connectUnix(socketPath, { readBuffer: Buffer.allocUnsafeSlow(KEPT_BYTES), onRead });
  } catch {
    return NO_CONSOLE; // the error text only has fewer details
  }
  socket.on('error', () => {});
  socket.unref();
  socket.resume();
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return { ended, lastLines: () => summarise(kept), close: () => void socket.destroy() };
}

/** For a panic: its first line and the lines just before it; otherwise the last lines. */
function summarise(text: string): string {
  const lines = text
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/[^\x20-\x7e]/g, '')
        .replace(/^\[\s*[\d.]+\]\s*/, '')
        .trim(),
    )
    .filter((line) => line !== '');
  const panic = lines.findIndex((line) => line.startsWith('Kernel panic'));
  const last = panic < 0 ? lines.slice(-3) : lines.slice(Math.max(0, panic - 1), panic + 1);
  return last.map((line) => line.slice(0, MAX_LINE)).join('; ');
}

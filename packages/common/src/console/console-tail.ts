/**
 * The last lines of the guest's console, for the error text when the guest does not boot or ends by itself: the runtime reads the
 * console until the guest answers, the proxy from then on. Only a tail is kept, because a guest can write without end.
 */
import { createConnection } from 'node:net';

const KEPT_BYTES = 8192;
/** Of one line, in an error text. */
const MAX_LINE = 300;

export interface ConsoleTail {
  /** The last lines, printable characters only, on one line. */
  lastLines(): string;
  close(): void;
  /** Resolves when the console has ended, and all of it was read. */
  readonly ended: Promise<void>;
}

export function followConsole(socketPath: string): ConsoleTail {
  let kept = '';
  const socket = createConnection(socketPath);
  socket.on('data', (chunk) => (kept = (kept + chunk.toString('latin1')).slice(-KEPT_BYTES)));
  socket.on('error', () => {}); // a console that cannot be read only makes an error text poorer
  socket.unref();
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return { ended, lastLines: () => summarise(kept), close: () => socket.destroy() };
}

/** A panic explains itself in its first line, and what was said just before it; otherwise the last lines are the best there is. */
export function summarise(text: string): string {
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

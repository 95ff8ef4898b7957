/** Shows the purpose and the elapsed seconds of a long operation on a terminal. */
import { writeSync } from 'node:fs';
import { isTerminal } from '@kata-containers/common/process/is-terminal';

const STDERR = 2;
const SECOND_MS = 1000;
/** Moves the cursor to the start of the line and clears the line (ECMA-48). */
const CLEAR = '\r\x1b[K';

/** Writes nothing when stderr is not a terminal, because engines and scripts read it. */
export async function withProgress<T>(text: string, work: () => Promise<T>): Promise<T> {
  if (!isTerminal(STDERR)) return work();
  const startTime = performance.now();
  // Rounded: a timer may fire up to a millisecond early.
  const show = (): void => void writeSync(STDERR, `${CLEAR}${text} (${Math.round((performance.now() - startTime) / SECOND_MS)} s)`);
  show();
  const timer = setInterval(show, SECOND_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    writeSync(STDERR, CLEAR);
  }
}

/** Progress on stderr: one line that changes on a terminal, a line for each step elsewhere would drown the log. */

const EVERY_MS = 30_000;

/** @returns what to tell, and what to call at the end */
export function openProgress(stream = process.stderr): { report: (text: string) => void; close: () => void } {
  const start = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  const report = (text: string): void => {
    const line = `bench: ${Math.round((performance.now() - start) / 1000)} s: ${text}`;
    if (stream.isTTY) {
      stream.write(`\r\u001B[K${line.slice(0, (stream.columns || 80) - 1)}`);
    } else if (performance.now() - last > EVERY_MS) {
      last = performance.now();
      stream.write(`${line}\n`);
    }
  };
  return { report, close: () => void (stream.isTTY && stream.write('\r\u001B[K')) };
}

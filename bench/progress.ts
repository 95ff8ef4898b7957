/** Progress on stderr: one line that is overwritten on a terminal, else at most one line each 30 seconds, to keep logs short. */

const LOG_INTERVAL_MS = 30_000;

/** `report` shows a text; `close` clears the terminal's line. */
export function openProgress(stream = process.stderr): { report: (text: string) => void; close: () => void } {
  const start = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  const report = (text: string): void => {
    const line = `bench: ${Math.round((performance.now() - start) / 1000)} s: ${text}`;
    if (stream.isTTY) {
      stream.write(`\r\u001B[K${line.slice(0, (stream.columns || 80) - 1)}`);
    } else if (performance.now() - last > LOG_INTERVAL_MS) {
      last = performance.now();
      stream.write(`${line}\n`);
    }
  };
  return { report, close: () => void (stream.isTTY && stream.write('\r\u001B[K')) };
}

/** The only place that ends a process. */
import { writeSync } from 'node:fs';
import { KataError } from '../errors/kata-error.ts';
import { errorMessage } from '../errors/error-message.ts';

/** Writes all of `text` to an fd that may be a full non-blocking pipe; stops when the reader has closed it. */
function writeAll(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // There is no reader: only the exit code reports the error.
  }
}

/**
 * Runs a process's main function and exits with the code it gives. An error becomes one line on stderr and its exit code.
 * Exits without waiting for open handles: sockets and reads that are no longer needed must not keep a process alive.
 */
export function runMain(main: (argv: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2)).then(
    (exitCode) => process.exit(exitCode),
    (error: unknown) => {
      writeAll(2, `${errorMessage(error)}\n`);
      process.exit(error instanceof KataError ? error.exitCode : 1);
    },
  );
}

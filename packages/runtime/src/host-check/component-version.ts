import { execFileSync } from 'node:child_process';

const TIMEOUT_MS = 10_000;

/** First line of a program's output for `option`; undefined when the program cannot be run or does not end. */
export function componentVersion(path: string, timeoutMs = TIMEOUT_MS, option = '--version'): string | undefined {
  try {
    const text = execFileSync(path, [option], {
      encoding: 'utf8',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

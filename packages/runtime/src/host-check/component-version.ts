import { execFileSync } from 'node:child_process';

const TIMEOUT_MS = 10_000;

/** First line that a program says for `--version`; undefined when it cannot be run. */
export function componentVersion(path: string): string | undefined {
  try {
    const text = execFileSync(path, ['--version'], { encoding: 'utf8', timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'ignore'] });
    return text.trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

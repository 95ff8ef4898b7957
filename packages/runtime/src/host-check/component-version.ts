import { execFileSync } from 'node:child_process';
import { sanitizeLine } from '@kata-containers/common/errors/guest-text';

const TIMEOUT_MS = 10_000;
/** Characters of a program's last line that an error shows. */
const MAX_PROBLEM = 300;

/** First line of a program's output, or the last line of its stderr, which is empty if the program cannot be started or does not end. */
export type VersionOrProblem = { readonly version: string } | { readonly problem: string };

export function versionOrProblem(path: string, timeoutMs = TIMEOUT_MS, option = '--version'): VersionOrProblem {
  try {
    const text = execFileSync(path, [option], {
      encoding: 'utf8',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { version: text.trim().split('\n')[0] ?? '' };
  } catch (error) {
    const { stderr } = error as { stderr?: string | null };
    const last = (stderr ?? '').trim().split('\n').at(-1) ?? '';
    return { problem: sanitizeLine(last).slice(0, MAX_PROBLEM) };
  }
}

/** First line of a program's output for `option`; undefined when the program cannot be run or does not end. */
export function componentVersion(path: string, timeoutMs = TIMEOUT_MS, option = '--version'): string | undefined {
  const found = versionOrProblem(path, timeoutMs, option);
  return 'version' in found ? found.version : undefined;
}

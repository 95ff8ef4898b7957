import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The commit that `--version` shows. A tree without git (a source archive) has none. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** Names in the sources that a bundler replaces, with the text of their values. */
export function buildConstants(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return { KATA_VERSION: JSON.stringify(version), KATA_COMMIT: JSON.stringify(commit()) };
}

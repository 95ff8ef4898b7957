import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The commit that `--version` prints; `unknown` in a source archive, which has no git repository. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** Identifiers that the bundler replaces by constants: their values as source text. */
export function buildConstants(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return { KATA_VERSION: JSON.stringify(version), KATA_COMMIT: JSON.stringify(commit()) };
}

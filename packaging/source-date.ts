import { execFileSync } from 'node:child_process';

/** Modification time of packaged files, in seconds since 1970: that of the last commit. A source archive has no commits and uses 1.13.0's. */
export function sourceDate(repository: string): string {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return given;
  try {
    const args = ['log', '-1', '--format=%ct'];
    return execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '1622505600';
  }
}

import { execFileSync } from 'node:child_process';

/** Modification time of packaged files, in seconds since 1970: the time of the last commit, or of Kata 1.13.0 in a source archive. */
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

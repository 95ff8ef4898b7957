import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { Reaper } from './reaper.ts';

/** Runs a program of the guest with `input` on stdin and gives its stdout. @throws Error with what it said */
export async function runProgram(reaper: Reaper, program: string, words: readonly string[], input = ''): Promise<string> {
  const child = reaper.spawn(program, words, { stdio: 'pipe' });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`${program} cannot be run`, { cause: error });
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const finished = Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  const [output, complaint, [code]] = await Promise.race([finished, failed]);
  if (code !== 0) throw new Error(`${program}: ${complaint.trim() || `exit code ${code}`}`);
  return output;
}

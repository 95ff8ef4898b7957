/** Runs programs for their output, each with a time limit. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { withoutErrnoText } from '../errors/errno-text.ts';
import { KataError, TimeoutError } from '../errors/kata-error.ts';
import { withTimeout } from './with-timeout.ts';

export interface OutputOptions {
  readonly input?: string;
  /** Time limit, in milliseconds. */
  readonly timeoutMs: number;
}

const commandOf = ({ spawnargs }: ChildProcess): string => spawnargs.join(' ');

/** SIGKILL ends neither a process that is stuck in the kernel nor the processes that the program has started: none is waited for. */
function abandon(child: ChildProcess): void {
  child.kill('SIGKILL');
  child.unref();
  for (const stream of child.stdio) stream?.destroy();
}

async function endOf(child: ChildProcess): Promise<string> {
  const [output, complaint, [code, signal]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ]).catch((error: unknown) => {
    throw new KataError(`${child.spawnfile} cannot be run: is it installed?`, { cause: error });
  });
  if (code !== 0) throw new KataError(`${commandOf(child)}: ${withoutErrnoText(complaint.trim()) || (signal ?? `exit code ${code}`)}`);
  return output;
}

/**
 * The whole stdout of a program that was just started with three pipes.
 * @throws KataError with its stderr when it fails, TimeoutError
 */
export async function outputOf(child: ChildProcess, { input = '', timeoutMs }: OutputOptions): Promise<string> {
  child.stdin?.on('error', () => {}); // the program may end before it has read everything; its exit code counts
  child.stdin?.end(input);
  return withTimeout(endOf(child), timeoutMs, () => {
    abandon(child);
    return new TimeoutError(commandOf(child), timeoutMs);
  });
}

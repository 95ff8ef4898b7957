/** Programs that are run for what they say, each for a time that has an end. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { withoutErrnoText } from '../errors/errno-text.ts';
import { KataError, TimeoutError } from '../errors/kata-error.ts';

export interface OutputOptions {
  readonly input?: string;
  /** How long it may take. */
  readonly timeoutMs: number;
}

const commandOf = ({ spawnargs }: ChildProcess): string => spawnargs.join(' ');

/** SIGKILL does not end what is stuck in the kernel, nor what the program has started: neither is waited for. */
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
 * What a program, started a moment ago with three pipes, says on stdout until it ends.
 * @throws KataError with its complaint when it fails, TimeoutError
 */
export async function outputOf(child: ChildProcess, { input = '', timeoutMs }: OutputOptions): Promise<string> {
  child.stdin?.on('error', () => {}); // it may end before it has read everything; its exit code tells
  child.stdin?.end(input);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(commandOf(child), timeoutMs)), timeoutMs);
  });
  const end = endOf(child);
  end.catch(() => {}); // told by the race, unless it is late
  try {
    return await Promise.race([end, late]);
  } catch (error) {
    if (error instanceof TimeoutError) abandon(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

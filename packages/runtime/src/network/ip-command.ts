/** Runs iproute2 programs in the network namespace that the main thread is in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { KataError } from '@kata-containers/common/errors/kata-error';

/**
 * Runs `program` with `input` on stdin and gives its stdout.
 * @throws KataError with what it said when it fails
 */
export async function runTool(program: string, words: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it may end before it has read everything; its exit code tells
  child.stdin.end(input);
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]).catch((error: unknown) => {
    throw new KataError(`${program} cannot be run: is it installed?`, { cause: error });
  });
  if (code !== 0) throw new KataError(`${program} ${words.join(' ')}: ${complaint.trim() || `exit code ${code}`}`);
  return output;
}

/** Several `ip -json` queries in one process: one array each. */
export async function queryIp(queries: readonly string[], words: readonly string[] = []): Promise<unknown[][]> {
  const output = await runTool('ip', [...words, '-json', '-batch', '-'], queries.map((query) => `${query}\n`).join(''));
  const documents = output.trim() === '' ? [] : output.trim().split(/\]\s*\n?\s*(?=\[)/);
  return documents.map((document, index) => JSON.parse(index < documents.length - 1 ? `${document}]` : document) as unknown[]);
}

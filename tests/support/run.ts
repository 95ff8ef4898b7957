/** Runs programs and waits for their results. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly output: Buffer;
}

export interface RunOptions {
  readonly input?: Buffer | string;
  readonly timeoutMs?: number;
}

const MAX_OUTPUT = 64 << 20;

/** What execFile says about a program without an exit code; '' for a program that has exited. */
function reason(error: ExecFileException | null, command: string, timeoutMs: number): string {
  if (!error || typeof error.code === 'number') return '';
  if (typeof error.code === 'string') return `${error.message}\n`; // it did not start, or its output is too long
  return error.killed
    ? `${command} did not end within ${timeoutMs / 1000} s and was killed\n`
    : `${command} was killed by ${error.signal}\n`;
}

/**
 * Runs a program to its end; a failure is an outcome, not an error. A `docker exec` that is killed leaves its process in the container: it
 * ends when the container is removed.
 */
export function run(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = 100_000 }: RunOptions = {},
  environment = process.env,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      env: environment,
      maxBuffer: MAX_OUTPUT,
      encoding: 'buffer' as const,
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
    };
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 255) : 0;
      const text = stderr.toString() + reason(error, [program, ...args].join(' '), timeoutMs);
      resolve({ code, stdout: stdout.toString(), stderr: text, output: stdout });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** The stdout of a program that must succeed. */
export async function good(outcome: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stderr);
  return stdout;
}

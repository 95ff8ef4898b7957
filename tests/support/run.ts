/** Runs programs and waits for their results. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';

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

/** Runs a program to its end; a failure is an outcome, not an error. */
export function run(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = 120_000 }: RunOptions = {},
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
      resolve({ code, stdout: stdout.toString(), stderr: stderr.toString(), output: stdout });
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

/** Measures the duration of a program, in a new session: Ctrl-C reaches the bench only, which waits for the program and cleans up. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

const TIMEOUT_MS = 120_000;
const MAX_TEXT = 1 << 16;

/** Only stderr is a pipe: processes that a runtime leaves running must not hold pipes of the bench. */
function startProgram(program: string, args: readonly string[], environment = process.env): ChildProcess {
  return spawn(program, [...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: environment,
  });
}

/** @returns milliseconds until the exit. @throws Error with the end of stderr */
export async function timeProgram(program: string, args: readonly string[], environment = process.env): Promise<number> {
  const start = performance.now();
  const child = startProgram(program, args, environment);
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => void (text = (text + chunk.toString()).slice(-MAX_TEXT)));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  const milliseconds = performance.now() - start;
  child.stderr?.destroy();
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}: ${text.trim()}`);
  return milliseconds;
}

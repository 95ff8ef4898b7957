/** OCI hooks on the host (config.md, "POSIX-platform Hooks"). */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Hook } from '@kata-containers/common/oci/spec';
import { LONGEST_TIMER_MS } from '@kata-containers/common/process/longest-timer';

export interface HookState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes of output that an error text contains. */
const MAX_OUTPUT = 4096;

function keepSome(stream: NodeJS.ReadableStream): () => string {
  let kept = '';
  stream.on('data', (chunk: Buffer) => {
    if (kept.length < MAX_OUTPUT) kept += chunk.toString('utf8');
  });
  return () => kept.trim();
}

type End = [code: number | null, signal: string | null];

/** Waits for the end of the hook's output, except for a hook that was killed at its timeout: its children may keep the pipe open. */
async function endOf(child: ChildProcessWithoutNullStreams, isTimed: boolean): Promise<End> {
  const closed = once(child, 'close') as Promise<End>;
  const exited = once(child, 'exit') as Promise<End>;
  const end = await Promise.race([closed, exited.then((early) => (isTimed && early[1] === 'SIGKILL' ? early : closed))]);
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  return end;
}

async function runHook(hook: Hook, state: HookState): Promise<void> {
  const [name = hook.path, ...args] = hook.args ?? [];
  const environment = Object.fromEntries((hook.env ?? []).map((entry) => entry.split(/=(.*)/s, 2) as [string, string]));
  const timeout = Math.min((hook.timeout ?? 0) * 1000, LONGEST_TIMER_MS);
  const child = spawn(hook.path, args, {
    argv0: name,
    env: environment,
    stdio: 'pipe',
    ...(timeout > 0 && { timeout, killSignal: 'SIGKILL' }),
  });
  const [output, complaint] = [keepSome(child.stdout), keepSome(child.stderr)];
  child.stdin.on('error', () => {}); // a hook need not read its stdin
  child.stdin.end(JSON.stringify(state));
  const [code, signal] = await endOf(child, timeout > 0).catch((error: unknown) => {
    throw new KataError(`hook ${hook.path} cannot be run`, { cause: error });
  });
  if (code === 0) return;
  const reason = signal === 'SIGKILL' && timeout > 0 ? 'Hook timeout' : (signal ?? `exit code ${code}`);
  throw new KataError(`hook ${hook.path}: ${reason}: stdout: ${output()}, stderr: ${complaint()}`);
}

/** Runs hooks one after the other. @throws KataError at the first that fails */
export async function runHooks(hooks: readonly Hook[] | undefined, state: HookState): Promise<void> {
  for (const hook of hooks ?? []) await runHook(hook, state);
}

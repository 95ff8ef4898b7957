/** Runs iproute2 programs in the network namespace that the main thread is in. */
import { spawn } from 'node:child_process';
import { outputOf } from '@kata-containers/common/process/output-of';

/** Timeout. The programs take milliseconds, but may wait in the kernel for other changes of the host's network. */
export const TOOL_TIMEOUT_MS = 30_000;

export interface ToolInput {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs `program` with `input` on stdin. @returns its stdout. @throws KataError with its output when it fails, TimeoutError */
export async function runTool(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = TOOL_TIMEOUT_MS }: ToolInput = {},
): Promise<string> {
  return outputOf(spawn(program, args, { stdio: 'pipe' }), { input, timeoutMs });
}

/** Several `ip -json` queries in one process: one array each. */
export async function queryIp(queries: readonly string[], args: readonly string[] = []): Promise<unknown[][]> {
  const output = await runTool('ip', [...args, '-json', '-batch', '-'], { input: queries.map((query) => `${query}\n`).join('') });
  const documents = output.trim() === '' ? [] : output.trim().split(/\]\s*\n?\s*(?=\[)/);
  return documents.map((document, index) => JSON.parse(index < documents.length - 1 ? `${document}]` : document) as unknown[]);
}

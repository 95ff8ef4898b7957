import { spawn } from 'node:child_process';

export interface NamespaceHolder {
  readonly pid: number;
  end(): void;
}

/**
 * Starts a process that does nothing in the namespaces which the main thread is in. It ends with this process, too: then it reads the end of
 * its input. @returns undefined if it cannot be started
 */
export function startNamespaceHolder(): NamespaceHolder | undefined {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  child.on('error', () => {}); // it has no pid
  child.stdin.on('error', () => {}); // it was killed
  const { pid } = child;
  return pid === undefined ? undefined : { pid, end: () => child.kill('SIGKILL') };
}

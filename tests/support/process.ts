/** A bundled component as a real process, as the runtime starts it. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { forbidIoUring } from '../../packages/common/src/confinement/forbid-io-uring.ts';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';

const repository = join(import.meta.dirname, '../..');

/** A directory for sockets, removed by `remove`. Short, because a socket's path may have 107 bytes. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), 'kata-it-'));
  file(name: string): string {
    return join(this.path, name);
  }
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** kata-agent, kata-shim and kata-proxy as they are shipped, relative to packages/. */
export const AGENT = 'agent/dist/bin/kata-agent';
export const SHIM = 'runtime/dist/libexec/kata-containers/kata-shim';
export const PROXY = 'runtime/dist/libexec/kata-containers/kata-proxy';

export class Component {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #stdout: Buffer[] = [];
  stderr = '';

  /**
   * `built` is absolute or relative to packages/: a source file or an executable. It inherits `fds` as 3 and so on. @throws Error when it was
   * not built
   */
  constructor(built: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}, fds: readonly number[] = []) {
    const path = resolve(repository, 'packages', built);
    if (!existsSync(path)) throw new Error(`${path} is missing: run "nx run-many -t build"`);
    forbidIoUring(linuxKernel); // as the runtime does: otherwise the program would start twice
    const [program, ...first] = path.endsWith('.ts') ? [process.execPath, '--no-warnings', path] : [path];
    this.child = spawn(program, [...first, ...args], {
      stdio: ['pipe', 'pipe', 'pipe', ...fds],
      env: { ...process.env, ...environment },
    }) as ChildProcessWithoutNullStreams;
    this.child.stdout.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.child.stdin.on('error', () => {});
    const closed = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.exited = closed.then(([code, signal]) => ({ code, signal }));
  }

  /** Output of the process so far. */
  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  /** Resident memory in MiB. */
  residentMiB(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(this.#status)?.[1]) / 1024;
  }

  /** Whether it has a handler for the signal. Node has one for SIGTERM and SIGINT from its start, Bun for SIGSYS. */
  catches(signal: NodeJS.Signals): boolean {
    const mask = BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(this.#status)?.[1] ?? '0'}`);
    return ((mask >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  }

  get #status(): string {
    return readFileSync(`/proc/${this.child.pid}/status`, 'latin1');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}

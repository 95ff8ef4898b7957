/**
 * Reaps processes. Node reaps only its own children. All other descendants are reaped here: containers' processes, which crun leaves to the
 * agent, and orphans. The status of each process that a caller will wait for is kept.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

type Children = Pick<Kernel, 'peekExited' | 'reap'>;

export class Reaper {
  readonly #kernel: Children;
  readonly #own = new Set<number>();
  readonly #waiting = new Map<number, (status: number) => void>();
  /** Statuses of processes that ended before a caller knew their pid. */
  readonly #early = new Map<number, number>();
  #learning = 0;

  constructor(kernel: Children) {
    this.#kernel = kernel;
  }

  start(): void {
    process.on('SIGCHLD', () => this.#reap());
  }

  /** Starts a child of Node, whose exit Node reports. */
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn(program, args, options);
    const { pid } = child;
    if (pid !== undefined) {
      this.#own.add(pid);
      child.once('exit', () => this.#own.delete(pid));
    }
    return child;
  }

  /**
   * Runs `start`, which starts a process that is not a child of Node.
   * @returns its pid and a promise of its status The process may have ended before its pid is known.
   */
  async adopt(start: () => Promise<number>): Promise<{ pid: number; exited: Promise<number> }> {
    this.#learning++;
    try {
      const pid = await start();
      const early = this.#early.get(pid);
      const exited = early === undefined ? new Promise<number>((resolve) => this.#waiting.set(pid, resolve)) : Promise.resolve(early);
      return { pid, exited };
    } finally {
      this.#learning--;
      if (this.#learning === 0) this.#early.clear();
    }
  }

  #reap(): void {
    for (let pid = this.#kernel.peekExited(); pid !== undefined; pid = this.#kernel.peekExited()) {
      if (this.#own.has(pid)) {
        setImmediate(() => this.#reap()); // Node is about to reap this one; look for others after that
        return;
      }
      const status = this.#kernel.reap(pid);
      if (status !== undefined) this.#deliver(pid, status);
    }
  }

  #deliver(pid: number, status: number): void {
    const resolve = this.#waiting.get(pid);
    if (resolve) {
      this.#waiting.delete(pid);
      resolve(status);
    } else if (this.#learning > 0) this.#early.set(pid, status);
  }
}

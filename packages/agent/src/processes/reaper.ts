/**
 * Reaps processes. The engine reaps only its own children. All other descendants are reaped here: containers' processes, which crun leaves to the
 * agent, and orphans. The status of each process that a caller will wait for is kept.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

const { SIGKILL } = constants.signals;

type Children = Pick<Kernel, 'peekExited' | 'reap' | 'spawnProgram' | 'kill'>;

/** A process that the engine does not know. */
export interface StartedProcess {
  readonly pid: number;
  /** Exit code, or 128 + the signal that ended it. */
  readonly exited: Promise<number>;
}

export interface StartedProgram extends StartedProcess {
  /** Sends SIGKILL to a process that has not ended. */
  readonly kill: () => void;
}

export class Reaper {
  readonly #kernel: Children;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #own = new Set<number>();
  readonly #waiting = new Map<number, (status: number) => void>();
  /** Statuses of processes that ended before a caller knew their pid. */
  readonly #early = new Map<number, number>();
  #learning = 0;

  /** `environment` is the environment of the programs that `run` starts. */
  constructor(kernel: Children, environment: NodeJS.ProcessEnv) {
    this.#kernel = kernel;
    this.#environment = environment;
  }

  start(): void {
    process.on('SIGCHLD', () => this.#reap());
  }

  /** Starts a child of the engine, which reports its exit. */
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
   * Starts a program without streams, by posix_spawn(3). It is searched in the PATH that this process was started with: the kernel gives
   * PID 1 none, and then it is searched in /bin and /usr/bin.
   */
  run(program: string, args: readonly string[], stdio: readonly [number, number, number]): StartedProgram {
    const pid = this.#kernel.spawnProgram(program, { args, environment: this.#environment, stdio });
    const exited = this.#exitOf(pid);
    // The pid of a process that was not reaped belongs to no other process.
    const kill = (): void => void (this.#waiting.has(pid) && this.#kernel.kill(pid, SIGKILL));
    return { pid, exited, kill };
  }

  /**
   * Runs `start`, which starts a process that is not a child of the engine.
   * @returns its pid and a promise of its status The process may have ended before its pid is known.
   */
  async adopt(start: () => Promise<number>): Promise<StartedProcess> {
    this.#learning++;
    try {
      const pid = await start();
      const early = this.#early.get(pid);
      const exited = early === undefined ? this.#exitOf(pid) : Promise.resolve(early);
      return { pid, exited };
    } finally {
      this.#learning--;
      if (this.#learning === 0) this.#early.clear();
    }
  }

  #exitOf(pid: number): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(pid, resolve));
  }

  #reap(): void {
    for (let pid = this.#kernel.peekExited(); pid !== undefined; pid = this.#kernel.peekExited()) {
      if (this.#own.has(pid)) {
        setImmediate(() => this.#reap()); // the engine is about to reap this one; look for others after that
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

/** The server of the VM cache, in the mount namespace of the engine whose containers it serves. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { until } from './until.ts';
import { variant } from './staged.ts';

const VMS = 2;
const READY_MS = 90_000;

export class CacheServer {
  /** A runtime that takes its VMs from the server. */
  readonly script: string;
  readonly endpoint: string;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.endpoint = join(directory, 'cache.sock');
    this.script = this.runtime('kata-cache', (text) => text);
  }

  /** Another runtime that takes its VMs from the server. */
  runtime(name: string, change: (toml: string) => string): string {
    return variant(this.#directory, name, (text) =>
      change(text)
        .replace(/^#vm_cache_number = .*$/m, `vm_cache_number = ${VMS}`)
        .replace(/^#vm_cache_endpoint = .*$/m, `vm_cache_endpoint = "${this.endpoint}"`),
    );
  }

  /** Pids of the QEMUs of ready VMs. */
  async pids(engine: Engine): Promise<string[]> {
    const { stdout } = await engine.inMounts(this.script, ['factory', 'status']);
    return [...stdout.matchAll(/^VM pid = (\d+) /gm)].map(([, pid = '']) => pid);
  }

  /** Starts the server unless it runs, and waits until all of its VMs are ready. */
  async ready(engine: Engine): Promise<void> {
    this.#process ??= spawn('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, this.script, 'factory', 'init'], {
      stdio: 'ignore',
      detached: true,
    });
    await until('the VM cache is full', async () => (await this.pids(engine)).length === VMS, READY_MS);
  }

  /**
   * Ends the server by `signal`; without a signal, waits for its end. After SIGTERM its ready VMs are removed. @returns exit code and
   * signal
   */
  async stop(signal?: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]> {
    const server = this.#process;
    this.#process = undefined;
    if (!server) return [null, null];
    if (server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      if (signal) server.kill(signal);
      await ended;
    }
    return [server.exitCode, server.signalCode];
  }
}

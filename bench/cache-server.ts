/** The server of the VM cache, in the mount namespace of the engine whose containers it serves. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from '../tests/e2e/engine.ts';
import type { Engine } from '../tests/e2e/engine.ts';
import { variant } from '../tests/e2e/staged.ts';

const VMS = 2;
const READY_MS = 60_000;

export class CacheServer {
  /** A runtime that takes its VMs from the server. */
  readonly script: string;
  #process: ChildProcess | undefined;

  constructor(directory: string) {
    this.script = variant(directory, 'kata-cache', (text) =>
      text
        .replace(/^#vm_cache_number = .*$/m, `vm_cache_number = ${VMS}`)
        .replace(/^#vm_cache_endpoint = .*$/m, `vm_cache_endpoint = "${join(directory, 'cache.sock')}"`),
    );
  }

  /** Begins at the first call, and returns when as many VMs stand ready as it keeps. */
  async ready(engine: Engine): Promise<void> {
    this.#process ??= spawn('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, this.script, 'factory', 'init'], {
      stdio: 'ignore',
      detached: true,
    });
    const isFull = async (): Promise<boolean> => {
      const { stdout } = await engine.inMounts(this.script, ['factory', 'status']);
      return stdout.split('\n').filter((line) => line.startsWith('VM pid = ')).length === VMS;
    };
    await until('the VM cache is full', isFull, READY_MS);
  }

  /** The VMs that stand ready go with it. */
  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  }
}

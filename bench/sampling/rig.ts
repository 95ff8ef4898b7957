/** The engine that everything is measured on, the runtimes that it knows, and what is left running on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheServer } from '../../tests/support/cache-server.ts';
import { Engine } from '../../tests/support/engine.ts';
import { stage, variant } from '../../tests/support/staged.ts';
import { sideNames } from './stage.ts';
import type { Limits, SideName, Stage } from './stage.ts';
import { timeProgram } from './timed-program.ts';
import { Tracer } from '../timeline/tracer.ts';

/** What the engine calls them. */
export const runtimes = { kata: 'kata', runc: 'runc', cold: 'kata-cold', cache: 'kata-cache', traced: 'kata-traced' } as const;
const AT_A_TIME = 2;

export class Rig {
  readonly engine: Engine;
  readonly directory: string;
  readonly tracer: Tracer;
  readonly failures: string[] = [];
  readonly kata = join(stage, 'usr/bin/kata-runtime');
  readonly cache: CacheServer;
  readonly #running: Record<SideName, string[]> = { kata: [], runc: [] };
  readonly #boxes = new Set<SideName>();
  #names = 0;

  private constructor(engine: Engine, directory: string, tracer: Tracer, cache: CacheServer) {
    this.engine = engine;
    this.directory = directory;
    this.tracer = tracer;
    this.cache = cache;
  }

  static async start(): Promise<Rig> {
    const directory = mkdtempSync(join(tmpdir(), 'kata-bench-'));
    const tracer = new Tracer(directory, join(stage, 'usr/bin/kata-runtime'));
    const cache = new CacheServer(directory);
    const paths = {
      [runtimes.kata]: join(stage, 'usr/bin/kata-runtime'),
      [runtimes.cold]: variant(directory, 'kata-cold', (text) => text.replace(/^enable_template = true$/m, 'enable_template = false')),
      [runtimes.cache]: cache.script,
      [runtimes.traced]: tracer.script,
    };
    try {
      return new Rig(await Engine.start(paths, runtimes.runc, ':', true), directory, tracer, cache);
    } catch (error) {
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  /** @returns milliseconds. @throws Error when docker fails */
  docker(...args: string[]): Promise<number> {
    return timeProgram('docker', args, this.engine.environment);
  }

  /** A program in the engine's mount namespace, where its templates are, as an engine would call it. @returns milliseconds */
  inside(program: string, ...args: string[]): Promise<number> {
    return timeProgram('nsenter', [`--mount=/proc/${this.engine.pid}/ns/mnt`, program, ...args], { PATH: process.env['PATH'] });
  }

  /** Name of an idle container that is kept, to run commands in. */
  async box(side: SideName): Promise<string> {
    const name = `box-${side}`;
    if (!this.#boxes.has(side)) {
      this.#boxes.add(side);
      await this.docker(
        'run',
        '-d',
        '--name',
        name,
        '--runtime',
        runtimes[side],
        '-v',
        `${this.directory}:/data`,
        'busybox',
        'sleep',
        '100000',
      );
    }
    return name;
  }

  /** Has as many idle containers run as the stage wants, and no others. */
  async idle(wanted: Stage, { mayGoOn, report }: Pick<Limits, 'mayGoOn' | 'report'>): Promise<void> {
    if (wanted.kata + wanted.runc > 0) await Promise.all([this.#removeBoxes(), this.cache.stop('SIGTERM')]);
    for (const side of sideNames) {
      const names = this.#running[side];
      await this.#remove(names.splice(wanted[side]));
      const one = async (): Promise<void> => {
        while (names.length < wanted[side] && mayGoOn()) {
          const name = `idle-${this.#names++}`;
          names.push(name);
          report(`idle containers of ${side}: ${names.length} of ${wanted[side]}`);
          await this.docker('run', '-d', '--name', name, '--runtime', runtimes[side], 'busybox', 'sleep', '100000');
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, one));
    }
  }

  /** Ids of kata's idle containers. */
  async idleIds(): Promise<string[]> {
    const { stdout } = await this.engine.docker(['inspect', '--format', '{{.Id}}', ...this.#running.kata]);
    return stdout.trim().split('\n');
  }

  async stop(): Promise<void> {
    try {
      await this.cache.stop('SIGTERM');
      await this.#removeBoxes();
      for (const side of sideNames) await this.#remove(this.#running[side].splice(0));
    } finally {
      await this.engine.stop();
      rmSync(this.directory, { recursive: true });
    }
  }

  async #removeBoxes(): Promise<void> {
    await this.#remove([...this.#boxes].map((side) => `box-${side}`));
    this.#boxes.clear();
  }

  /** By few at a time: all at once may take longer than one command has. */
  async #remove(names: string[]): Promise<void> {
    while (names.length > 0) await this.engine.docker(['rm', '-f', ...names.splice(0, 8)]);
  }
}

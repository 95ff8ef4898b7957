/** The engine that the bench measures, its runtimes, and the containers that keep running between samples. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheServer } from '../../tests/support/cache-server.ts';
import { Engine } from '../../tests/support/engine.ts';
import { stage, variant } from '../../tests/support/staged.ts';
import { sideNames } from './conditions.ts';
import type { SamplingLimits, SideName, IdleCounts } from './conditions.ts';
import { timeProgram } from './timed-program.ts';
import { Tracer } from '../timeline/tracer.ts';

/** Names of the runtimes in the engine's configuration. */
export const runtimes = { kata: 'kata', runc: 'runc', cold: 'kata-cold', cache: 'kata-cache', traced: 'kata-traced' } as const;
const PARALLEL_STARTS = 2;

export class Testbed {
  readonly engine: Engine;
  readonly directory: string;
  readonly tracer: Tracer;
  readonly failures: string[] = [];
  readonly kata = join(stage, 'usr/bin/kata-runtime');
  readonly cache: CacheServer;
  readonly #running: Record<SideName, string[]> = { kata: [], runc: [] };
  readonly #execTargets = new Set<SideName>();
  #started = 0;

  private constructor(engine: Engine, directory: string, tracer: Tracer, cache: CacheServer) {
    this.engine = engine;
    this.directory = directory;
    this.tracer = tracer;
    this.cache = cache;
  }

  static async start(): Promise<Testbed> {
    const directory = mkdtempSync(join(tmpdir(), 'kata-bench-'));
    const tracer = new Tracer(directory);
    const cache = new CacheServer(directory);
    const paths = {
      [runtimes.kata]: join(stage, 'usr/bin/kata-runtime'),
      [runtimes.cold]: variant(directory, 'kata-cold', (text) => text.replace(/^enable_template = true$/m, 'enable_template = false')),
      [runtimes.cache]: cache.script,
      [runtimes.traced]: tracer.script,
    };
    try {
      return new Testbed(await Engine.start(paths, runtimes.runc, ':', true), directory, tracer, cache);
    } catch (error) {
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  /** @returns milliseconds. @throws Error when docker fails */
  timeDocker(...args: string[]): Promise<number> {
    return timeProgram('docker', args, this.engine.environment);
  }

  /** Runs a program in the engine's mount namespace, which has the templates, with the environment of an engine. @returns milliseconds */
  timeInEngine(program: string, ...args: string[]): Promise<number> {
    return timeProgram('nsenter', [`--mount=/proc/${this.engine.pid}/ns/mnt`, program, ...args], { PATH: process.env['PATH'] });
  }

  /** Name of a long-running container for `docker exec`; the first call starts it. */
  async execTarget(side: SideName): Promise<string> {
    const name = `box-${side}`;
    if (!this.#execTargets.has(side)) {
      this.#execTargets.add(side);
      await this.timeDocker(
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

  /** Starts or removes idle containers until their numbers are `wanted`. */
  async setIdleContainers(wanted: IdleCounts, { mayContinue, report }: Pick<SamplingLimits, 'mayContinue' | 'report'>): Promise<void> {
    if (wanted.kata + wanted.runc > 0) await Promise.all([this.#removeExecTargets(), this.cache.stop('SIGTERM')]);
    for (const side of sideNames) {
      const names = this.#running[side];
      await this.#remove(names.splice(wanted[side]));
      const startOne = async (): Promise<void> => {
        while (names.length < wanted[side] && mayContinue()) {
          const name = `idle-${this.#started++}`;
          names.push(name);
          report(`idle containers of ${side}: ${names.length} of ${wanted[side]}`);
          await this.timeDocker('run', '-d', '--name', name, '--runtime', runtimes[side], 'busybox', 'sleep', '100000');
        }
      };
      await Promise.all(Array.from({ length: PARALLEL_STARTS }, startOne));
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
      await this.#removeExecTargets();
      for (const side of sideNames) await this.#remove(this.#running[side].splice(0));
    } finally {
      await this.engine.stop();
      rmSync(this.directory, { recursive: true });
    }
  }

  async #removeExecTargets(): Promise<void> {
    await this.#remove([...this.#execTargets].map((side) => `box-${side}`));
    this.#execTargets.clear();
  }

  /** Removes few containers per command: removing all may exceed the command's timeout. */
  async #remove(names: string[]): Promise<void> {
    while (names.length > 0) await this.engine.docker(['rm', '-f', ...names.splice(0, 8)]);
  }
}

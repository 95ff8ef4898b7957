/**
 * A docker engine for one test, with its own directories, network namespace and mount namespace, so that
 * the machine is not changed. Mounts of its namespace are shared, as systemd configures every machine.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxRootfs } from './busybox-image.ts';
import { run } from './run.ts';
import { until } from './until.ts';
import type { Outcome, RunOptions } from './run.ts';
import { hasTemplates, removeTemplates } from './templates.ts';

export interface Runtimes {
  readonly [name: string]: string;
}

export class Engine {
  readonly directory: string;
  readonly #command: readonly string[];
  #daemon: ChildProcess;

  private constructor(directory: string, command: readonly string[], daemon: ChildProcess) {
    this.directory = directory;
    this.#command = command;
    this.#daemon = daemon;
  }

  /**
   * `prepare` is a shell script that runs in the engine's namespaces before the engine starts. With `detached`, Ctrl-C does not reach the
   * engine.
   */
  static async start(runtimes: Runtimes, defaultRuntime: string, prepare = ':', detached = false): Promise<Engine> {
    const directory = mkdtempSync(join(tmpdir(), 'kata-e2e-'));
    const args = Object.entries(runtimes).flatMap(([name, path]) => ['--add-runtime', `${name}=${path}`]);
    const daemon = [
      'dockerd',
      '--data-root',
      `${directory}/data`,
      '--exec-root',
      `${directory}/exec`,
      '-H',
      `unix://${directory}/docker.sock`,
    ];
    const options = ['-p', `${directory}/docker.pid`, '--storage-driver', 'overlay2', '--default-runtime', defaultRuntime, ...args];
    const log = openSync(join(directory, 'dockerd.log'), 'w');
    const script = `${prepare} && ip link set lo up && exec "$@"`;
    const command = [...daemon, ...options];
    const inside = ['-m', '-n', '--propagation', 'shared', 'sh', '-c', script, 'sh', ...command];
    const engine = new Engine(directory, command, spawn('unshare', inside, { stdio: ['ignore', log, log], detached }));
    await engine.#answers();
    await engine.#importBusybox();
    return engine;
  }

  /** Restarts dockerd in the same namespaces, with more options. */
  async restart(...options: string[]): Promise<void> {
    const log = openSync(join(this.directory, 'dockerd.log'), 'a');
    const namespaces = ['mnt', 'net'].map((name) => `--${name === 'mnt' ? 'mount' : name}=/proc/${this.pid}/ns/${name}`);
    // Namespaces end with their last process: the new process enters them before the old process ends.
    const next = spawn('nsenter', [...namespaces, 'sh', '-c', 'echo; read -r line && exec "$@"', 'sh', ...this.#command, ...options], {
      stdio: ['pipe', 'pipe', log],
    });
    const { stdin, stdout } = next;
    assert.ok(stdin && stdout);
    await once(stdout, 'data');
    await this.#end();
    rmSync(join(this.directory, 'docker.sock'), { force: true });
    this.#daemon = next;
    stdin.end('\n');
    stdout.resume();
    await this.#answers();
  }

  get pid(): number {
    return this.#daemon.pid ?? 0;
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: `unix://${this.directory}/docker.sock` };
  }

  docker(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run('docker', args, options, this.environment);
  }

  async removeAll(): Promise<void> {
    const { stdout } = await this.docker(['ps', '-aq']);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.docker(['rm', '-f', ...ids]);
  }

  /** Runs a program in the engine's network namespace, where its bridge and published ports are. */
  inNetwork(program: string, args: readonly string[]): Promise<Outcome> {
    return run('nsenter', [`--net=/proc/${this.pid}/ns/net`, program, ...args]);
  }

  /** Runs a program in the engine's mount namespace. */
  inMounts(program: string, args: readonly string[]): Promise<Outcome> {
    return run('nsenter', [`--mount=/proc/${this.pid}/ns/mnt`, program, ...args]);
  }

  log(): string {
    return readFileSync(join(this.directory, 'dockerd.log'), 'utf8');
  }

  async stop(): Promise<void> {
    await this.removeAll();
    try {
      if (!hasTemplates(process.pid)) await removeTemplates(this.pid);
    } finally {
      await this.#end();
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  async #answers(): Promise<void> {
    await until('dockerd starts', () => existsSync(join(this.directory, 'docker.sock')));
    await until('dockerd answers', async () => (await this.docker(['version'])).code === 0);
  }

  async #end(): Promise<void> {
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
  }

  async #importBusybox(): Promise<void> {
    const archive = join(this.directory, 'busybox.tar');
    await busyboxRootfs(this.directory, archive);
    const { code, stderr } = await this.docker(['import', archive, 'busybox']);
    if (code !== 0) throw new Error(`docker import: ${stderr}`);
  }
}

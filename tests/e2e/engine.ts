/**
 * A docker engine of the test's own: private directories, a network namespace and a mount namespace of its own, so that
 * nothing of the machine's changes. The mount namespace propagates to itself (shared), as systemd sets every machine up.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly output: Buffer;
}

export interface RunOptions {
  readonly input?: Buffer | string;
  readonly timeoutMs?: number;
}

const MAX_OUTPUT = 64 << 20;

/** Runs a program to its end; a failure is an outcome, not an error. */
export function run(
  program: string,
  words: readonly string[],
  { input = '', timeoutMs = 120_000 }: RunOptions = {},
  environment = process.env,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      env: environment,
      maxBuffer: MAX_OUTPUT,
      encoding: 'buffer' as const,
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
    };
    const child = execFile(program, [...words], options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 255) : 0;
      resolve({ code, stdout: stdout.toString(), stderr: stderr.toString(), output: stdout });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Waits for `condition`, looking again and again. @throws Error naming what did not come */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await sleep(50);
  }
}

export interface Runtimes {
  readonly [name: string]: string;
}

const TEMPLATES = '/run/vc/vm/template';

export class Engine {
  readonly directory: string;
  readonly #daemon: ChildProcess;

  private constructor(directory: string, daemon: ChildProcess) {
    this.directory = directory;
    this.#daemon = daemon;
  }

  /** `prepare` is shell text that runs in the engine's namespaces before it. With `detached`, Ctrl-C does not reach the engine. */
  static async start(runtimes: Runtimes, defaultRuntime: string, prepare = ':', detached = false): Promise<Engine> {
    const directory = mkdtempSync(join(tmpdir(), 'kata-e2e-'));
    const words = Object.entries(runtimes).flatMap(([name, path]) => ['--add-runtime', `${name}=${path}`]);
    const daemon = [
      'dockerd',
      '--data-root',
      `${directory}/data`,
      '--exec-root',
      `${directory}/exec`,
      '-H',
      `unix://${directory}/docker.sock`,
    ];
    const options = ['-p', `${directory}/docker.pid`, '--storage-driver', 'overlay2', '--default-runtime', defaultRuntime, ...words];
    const log = openSync(join(directory, 'dockerd.log'), 'w');
    const script = `${prepare} && ip link set lo up && exec "$@"`;
    const inside = ['-m', '-n', '--propagation', 'shared', 'sh', '-c', script, 'sh', ...daemon, ...options];
    const engine = new Engine(directory, spawn('unshare', inside, { stdio: ['ignore', log, log], detached }));
    await until('dockerd starts', () => existsSync(join(directory, 'docker.sock')));
    await until('dockerd answers', async () => (await engine.docker(['version'])).code === 0);
    await engine.#importBusybox();
    return engine;
  }

  get pid(): number {
    return this.#daemon.pid ?? 0;
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: `unix://${this.directory}/docker.sock` };
  }

  docker(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run('docker', words, options, this.environment);
  }

  /** Runs a program in the engine's network namespace, where its bridge and published ports are. */
  inNetwork(program: string, words: readonly string[]): Promise<Outcome> {
    return run('nsenter', [`--net=/proc/${this.pid}/ns/net`, program, ...words]);
  }

  /** Runs a program in the engine's mount namespace. */
  inMounts(program: string, words: readonly string[]): Promise<Outcome> {
    return run('nsenter', [`--mount=/proc/${this.pid}/ns/mnt`, program, ...words]);
  }

  log(): string {
    return readFileSync(join(this.directory, 'dockerd.log'), 'utf8');
  }

  async stop(): Promise<void> {
    const { stdout } = await this.docker(['ps', '-aq']);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.docker(['rm', '-f', ...ids]);
    try {
      await this.#removeTemplates();
    } finally {
      const ended = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      await ended;
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  /** The tmpfs of those that were made in its mount namespace: one that the machine had before is the machine's. */
  async #removeTemplates(): Promise<void> {
    const isMounted = (pid: number | 'self'): boolean => readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${TEMPLATES} `);
    if (isMounted('self') || !isMounted(this.pid)) return;
    const { code, stderr } = await this.inMounts('sh', ['-c', `umount ${TEMPLATES} && rmdir ${TEMPLATES}`]);
    if (code !== 0) throw new Error(`templates cannot be removed: ${stderr}`);
  }

  /** There is no registry: the image is made from the machine's static busybox. */
  async #importBusybox(): Promise<void> {
    const root = join(this.directory, 'busybox');
    for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home']) mkdirSync(join(root, name), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    const { stdout } = await run('/bin/busybox', ['--list']);
    for (const name of stdout.split('\n')) if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
    await run('tar', ['-C', root, '-cf', join(this.directory, 'busybox.tar'), ...readdirSync(root)]);
    const { code, stderr } = await this.docker(['import', join(this.directory, 'busybox.tar'), 'busybox']);
    if (code !== 0) throw new Error(`docker import: ${stderr}`);
    rmSync(root, { recursive: true });
  }
}

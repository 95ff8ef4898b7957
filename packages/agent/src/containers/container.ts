/** One container: crun's, with the processes that were started in it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Process as ProcessMessage } from '@kata-containers/common/generated/oci';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Spec } from '@kata-containers/common/oci/spec';
import { GrpcError } from '../service/grpc-error.ts';
import type { Crun } from './crun.ts';
import { filterProcessTable } from './parse-process-table.ts';
import { processConfig, toJson } from './oci-bundle.ts';
import { pipeStdio, terminalStdio } from './process.ts';
import type { GuestProcess, Stdio } from './process.ts';
import { runProgram } from './program.ts';
import type { Reaper } from './reaper.ts';
import { catchesSignal } from './signal-mask.ts';

export interface ContainerTools {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly crun: Crun;
  readonly pipeBytes: number;
}

const SIGKILL = 9;
const SIGTERM = 15;

type State = 'created' | 'running' | 'paused' | 'stopped';

/** What is started, and by which words of crun. */
interface Launch {
  readonly terminal: boolean;
  readonly command: string;
  readonly words: readonly string[];
}

export class Container {
  readonly id: string;
  readonly #tools: ContainerTools;
  readonly #directory: string;
  readonly #processes = new Map<string, GuestProcess>();
  #state: State = 'created';
  #init: GuestProcess | undefined;

  private constructor(id: string, directory: string, tools: ContainerTools) {
    this.id = id;
    this.#directory = directory;
    this.#tools = tools;
  }

  /** Makes the container up to its first process waiting to be started. @throws CrunError with nothing left behind */
  static async create(id: string, execId: string, spec: Spec, bundles: string, tools: ContainerTools): Promise<Container> {
    const directory = join(bundles, id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const container = new Container(id, directory, tools);
    try {
      writeFileSync(join(directory, 'config.json'), toJson(spec));
      const words = ['create', '--bundle', directory, '--no-new-keyring'];
      container.#init = await container.#launch(execId, {
        terminal: spec.process?.terminal ?? false,
        command: spec.process?.args?.[0] ?? '',
        words,
      });
      return container;
    } catch (error) {
      await container.destroy();
      throw error;
    }
  }

  async start(): Promise<void> {
    if (this.#state !== 'created') throw new GrpcError(status.FAILED_PRECONDITION, `Container status is ${this.#state}, should be created`);
    await this.#tools.crun.run(['start', this.id]);
    if (this.#state === 'created') this.#state = 'running';
  }

  async exec(execId: string, process: ProcessMessage | undefined): Promise<void> {
    if (!process) throw new GrpcError(status.INVALID_ARGUMENT, 'process is missing');
    if (this.#state === 'stopped') throw new GrpcError(status.FAILED_PRECONDITION, `Container ${this.id} is stopped`);
    const file = join(this.#directory, `${execId}.json`);
    writeFileSync(file, toJson(processConfig(process)));
    try {
      await this.#launch(execId, {
        terminal: process.Terminal,
        command: process.Args[0] ?? '',
        words: ['exec', '--process', file, '--detach'],
      });
    } finally {
      rmSync(file, { force: true });
    }
  }

  /** The process with that id. @throws GrpcError */
  process(execId: string): GuestProcess {
    const process = this.#processes.get(execId);
    if (!process) throw new GrpcError(status.NOT_FOUND, `Process ${execId} not found in container ${this.id}`);
    return process;
  }

  /** The exit code. The process is forgotten once it was given. */
  async wait(execId: string): Promise<number> {
    const process = this.process(execId);
    const code = await process.exited;
    this.#processes.delete(execId);
    process.io.close();
    return code;
  }

  /** To one process, or to all of the container's with an empty `execId`. Signals for a stopped container are dropped. */
  async signal(execId: string, signal: number): Promise<void> {
    if (this.#state === 'stopped') return;
    if (execId === '' || this.#state === 'paused') return this.#signalAll(signal);
    const process = this.process(execId);
    const isDeaf = process === this.#init && signal === SIGTERM && !catchesSignal(readStatus(process.pid), SIGTERM);
    this.#tools.kernel.kill(process.pid, isDeaf ? SIGKILL : signal);
  }

  async pause(): Promise<void> {
    await this.#tools.crun.run(['pause', this.id]);
    this.#state = 'paused';
  }

  async resume(): Promise<void> {
    await this.#tools.crun.run(['resume', this.id]);
    this.#state = 'running';
  }

  /** `ps` of the container's processes: its table, or the pids as JSON. */
  async listProcesses(format: string, words: readonly string[]): Promise<string> {
    const pids = this.#pids();
    if (format === 'json') return JSON.stringify(pids);
    if (format !== 'table' && format !== '') throw new Error('invalid format option');
    return filterProcessTable(await runProgram(this.#tools.reaper, 'ps', words.length > 0 ? words : ['-ef']), pids);
  }

  /** Ends every process and removes what is left. */
  async destroy(): Promise<void> {
    await this.#tools.crun.run(['delete', '--force', this.id]).catch(() => {});
    for (const { io } of this.#processes.values()) io.close();
    this.#processes.clear();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #launch(execId: string, launch: Launch): Promise<GuestProcess> {
    if (this.#processes.has(execId)) throw new GrpcError(status.ALREADY_EXISTS, `Process ${execId} already exists`);
    const { kernel, reaper, pipeBytes } = this.#tools;
    const stdio = launch.terminal ? await terminalStdio(join(this.#directory, 'tty'), kernel) : pipeStdio(kernel, pipeBytes);
    const pidFile = join(this.#directory, `${execId}.pid`);
    try {
      const { pid, exited } = await reaper.adopt(() => this.#runCrun(launch, stdio, pidFile));
      const process: GuestProcess = { pid, exited, io: stdio.open() };
      this.#processes.set(execId, process);
      this.#follow(process);
      return process;
    } finally {
      stdio.release();
      rmSync(pidFile, { force: true });
    }
  }

  async #runCrun({ words, command }: Launch, stdio: Stdio, pidFile: string): Promise<number> {
    await this.#tools.crun.run([...words, ...stdio.words, '--pid-file', pidFile, this.id], { stdio: stdio.forCrun, command });
    return Number(readFileSync(pidFile, 'latin1'));
  }

  #follow(process: GuestProcess): void {
    process.exited
      .then(() => {
        if (process === this.#init) this.#state = 'stopped';
        process.io.processEnded();
      })
      .catch(() => {});
  }

  async #signalAll(signal: number): Promise<void> {
    await this.#tools.crun.run(['kill', '--all', this.id, String(signal)]);
  }

  /** Processes in the PID namespace of the first one, which is the container's. */
  #pids(): number[] {
    return this.#init ? pidsOf(this.#init.pid) : [];
  }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}

/** Pids in the cgroup of `pid` (cgroups(7)). */
function pidsOf(pid: number): number[] {
  try {
    const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .find((entry) => /^\d+:(pids|):/.test(entry));
    const [, controller = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line ?? '') ?? [];
    const list = readFileSync(join('/sys/fs/cgroup', controller, path, 'cgroup.procs'), 'latin1');
    return list.split('\n').filter(Boolean).map(Number);
  } catch {
    return [pid];
  }
}

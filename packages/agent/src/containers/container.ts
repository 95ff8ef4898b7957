/** A container of crun, and the processes that were started in it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { CgroupStats } from '@kata-containers/common/generated/agent';
import type { LinuxResources, Process as ProcessMessage } from '@kata-containers/common/generated/oci';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Process, Spec } from '@kata-containers/common/oci/spec';
import { cgroupOf, cgroupProcesses, countTasks } from '@kata-containers/common/cgroups/cgroup';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';
import { oomKills } from '@kata-containers/common/cgroups/oom-kills';
import type { OomWatch } from '../cgroups/oom-watch.ts';
import { execConfig } from '../oci/process-config.ts';
import { toJson } from '../oci/spec-config.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Cancellable } from './attached-calls.ts';
import { filterProcessTable } from './parse-process-table.ts';
import { followProcess } from './follow-process.ts';
import { FreezeGate } from './freeze-gate.ts';
import { isInitramfs } from './parse-root-mount.ts';
import { launch } from './launcher.ts';
import type { Launch, LaunchTools, Launched } from './launcher.ts';
import type { GuestProcess, ExitStatus } from './process.ts';
import { ProcessTable } from './process-table.ts';
import { runProgram } from '../processes/program.ts';

export interface ContainerTools extends LaunchTools {
  readonly log: Logger;
}

/** The largest number that pids.max accepts (include/linux/threads.h). */
const PID_MAX_LIMIT = 4_194_304n;

type State = 'created' | 'running' | 'paused' | 'stopped';

export interface NewContainer {
  readonly id: string;
  readonly spec: Spec;
  /** Exec id of the first process. */
  readonly execId: string;
  /** Whether the first process's stdin is /dev/null. */
  readonly nullStdin: boolean;
  /** Directory of all bundles; the bundle of the container is created in it. */
  readonly bundles: string;
}

export class Container {
  readonly id: string;
  /** Path of the file that is mounted as /etc/resolv.conf. */
  readonly resolvConf: string | undefined;
  readonly #tools: ContainerTools;
  /** The configuration that exec'd processes inherit. */
  readonly #firstProcess: Process | undefined;
  readonly #hasPoststartHooks: boolean;
  readonly #directory: string;
  readonly #processes: ProcessTable;
  readonly #gate = new FreezeGate();
  #state: State = 'created';
  #init: GuestProcess | undefined;
  #cgroup: Cgroup | undefined;
  #oomWatch: OomWatch | undefined;
  #isOomKilled = false;
  #files = 0;

  private constructor(id: string, spec: Spec, directory: string, tools: ContainerTools) {
    this.id = id;
    this.resolvConf = spec.mounts?.find(({ destination }) => destination === '/etc/resolv.conf')?.source;
    this.#firstProcess = spec.process;
    this.#hasPoststartHooks = (spec.hooks?.poststart?.length ?? 0) > 0;
    this.#directory = directory;
    this.#tools = tools;
    this.#processes = new ProcessTable(id);
  }

  /** Creates the container; its first process waits for `start`. Leaves nothing behind when it fails. @throws CrunError */
  static async create({ id, spec, execId, nullStdin, bundles }: NewContainer, tools: ContainerTools): Promise<Container> {
    const directory = join(bundles, id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const container = new Container(id, spec, directory, tools);
    try {
      writeFileSync(join(directory, 'config.json'), toJson(spec));
      const { terminal = false, args = [] } = spec.process ?? {};
      const crunArgs = [
        'create',
        '--bundle',
        directory,
        '--no-new-keyring',
        ...(isInitramfs(readFileSync('/proc/mounts', 'utf8')) ? ['--no-pivot'] : []),
        id,
      ];
      container.#init = await container.#launch(execId, { terminal, nullStdin, command: args[0] ?? '', args: crunArgs }, true);
      container.#cgroup = cgroupOf(container.#init.pid);
      return container;
    } catch (error) {
      await container.destroy();
      throw error;
    }
  }

  /** Pid of the first process. */
  get pid(): number {
    return this.#init?.pid ?? 0;
  }

  get cgroup(): Cgroup {
    if (!this.#cgroup) throw new GrpcError(status.FAILED_PRECONDITION, `Container ${this.id} has no cgroup`);
    return this.#cgroup;
  }

  /** `onOom` is called whenever the kernel OOM-kills a process of the container. */
  async start(onOom: () => void): Promise<void> {
    if (this.#state !== 'created')
      throw new GrpcError(status.FAILED_PRECONDITION, `Container ${this.id} status ${this.#state}, should be created`);
    await (this.#hasPoststartHooks ? this.#tools.crun.run(['start', this.id]) : this.#tools.crun.start(this.id));
    if (this.#state === 'created') this.#state = 'running';
    this.#watchOom(onOom).catch((error: unknown) =>
      this.#tools.log.warn('OOM events cannot be watched', { container: this.id, reason: String(error) }),
    );
  }

  async exec(execId: string, message: ProcessMessage | undefined): Promise<void> {
    if (!message) throw new GrpcError(status.INVALID_ARGUMENT, 'Process cannot be nil');
    if (this.#state === 'stopped') throw new GrpcError(status.FAILED_PRECONDITION, `Cannot exec in stopped container ${this.id}`);
    const config = execConfig(message, this.#firstProcess);
    const what = { terminal: message.Terminal, nullStdin: message.NullStdin, command: message.Args[0] ?? '' };
    const { pid } = await this.#withFile(config, (file) =>
      this.#gate.start(() => this.#launch(execId, { ...what, args: ['exec', '--process', file, '--detach', this.id] }, false)),
    );
    setOomScore(pid, config.oomScoreAdj ?? 0);
  }

  /** The process with that id. @throws GrpcError */
  process(execId: string): GuestProcess {
    return this.#processes.get(execId);
  }

  /** The end of the process, once its readers have read all output. Removes the process from the table. */
  async wait(execId: string, call: Cancellable): Promise<ExitStatus> {
    const isInit = this.process(execId) === this.#init;
    const code = await this.#processes.wait(execId, call);
    return { code, isOomKilled: isInit && this.#wasOomKilled() };
  }

  /** As `ProcessTable.takeExit`. After an OOM kill only `wait` returns the status of the first process. */
  takeExit(execId: string, entry: GuestProcess): number | undefined {
    return entry === this.#init && this.#wasOomKilled() ? undefined : this.#processes.takeExit(execId, entry);
  }

  /** Signals one process, or with an empty `execId` all processes of the container. Signals to a stopped container are dropped. */
  async signal(execId: string, signal: number): Promise<void> {
    if (this.#state === 'stopped') return;
    if (execId === '' || this.#state === 'paused') return this.#signalAll(signal);
    const found = this.process(execId);
    if (found.exitCode() !== undefined) throw new Error('os: process already finished');
    this.#tools.kernel.kill(found.pid, signal);
  }

  async pause(): Promise<void> {
    await this.#gate.freeze(() => this.#tools.crun.run(['pause', this.id]));
    this.#state = 'paused';
  }

  async resume(): Promise<void> {
    await this.#tools.crun.run(['resume', this.id]);
    this.#state = 'running';
  }

  /** `ps` of the container's processes: its table, or the pids as JSON. */
  async listProcesses(format: string, args: readonly string[]): Promise<string> {
    const pids = cgroupProcesses(this.cgroup);
    if (format === 'json') return JSON.stringify(pids);
    if (format !== 'table') throw new Error('invalid format option');
    return filterProcessTable(await runProgram(this.#tools.reaper, 'ps', args.length > 0 ? args : ['-ef']), pids);
  }

  async update(resources: LinuxResources): Promise<void> {
    const { resourcesConfig } = await import('../oci/resources-config.ts');
    const { readOnlineCpus } = await import('../guest/online.ts');
    const config = resourcesConfig(resources, readOnlineCpus());
    // An update that removes the limit; a new container simply has no entry.
    if (resources.Pids && resources.Pids.Limit < 0n) config.pids = { limit: PID_MAX_LIMIT };
    await this.#withFile(config, (file) => this.#tools.crun.run(['update', '--resources', file, this.id]));
  }

  async stats(): Promise<CgroupStats> {
    const { readStats } = await import('../cgroups/read-stats.ts');
    return readStats(this.cgroup);
  }

  /** Whether no process is left, also in the cgroups that the container has made. */
  get isEmpty(): boolean {
    return this.#state === 'stopped' && this.#cgroup !== undefined && countTasks(this.#cgroup) === 0;
  }

  /** Kills every process and removes the container. */
  async destroy(): Promise<void> {
    this.#oomWatch?.close();
    await this.#tools.crun.run(['delete', '--force', this.id]).catch(() => {});
    this.#processes.clear();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Ids come from the host, so files are named by number. */
  async #withFile<T>(content: object, use: (file: string) => Promise<T>): Promise<T> {
    const file = join(this.#directory, `${this.#files++}.json`);
    writeFileSync(file, toJson(content));
    try {
      return await use(file);
    } finally {
      rmSync(file, { force: true });
    }
  }

  #launch(execId: string, what: Launch, isInit: boolean): Promise<GuestProcess> {
    return this.#processes.add(execId, async () => {
      const launched = await launch(what, join(this.#directory, String(this.#files++)), this.#tools);
      return this.#follow(launched, isInit);
    });
  }

  #follow(launched: Launched, isInit: boolean): GuestProcess {
    const onEnd = (): void => {
      if (isInit) this.#state = 'stopped';
    };
    return followProcess(launched, { ...this.#tools, container: this.id, isFirst: isInit, onEnd });
  }

  /** A frozen process receives the signal when it is thawed. crun itself thaws a process that the signal kills; thawing it again fails. */
  async #signalAll(signal: number): Promise<void> {
    await this.#tools.crun.run(['kill', '--all', this.id, String(signal)]);
    if (this.#state === 'paused') await this.resume().catch(() => {});
  }

  async #watchOom(onOom: () => void): Promise<void> {
    const { watchOom } = await import('../cgroups/oom-watch.ts');
    const notice = (): void => {
      this.#isOomKilled = true;
      onOom();
    };
    if (this.#state !== 'stopped') this.#oomWatch = watchOom(this.cgroup, notice, this.#tools.kernel);
  }

  /** The agent may see the end of the process before the OOM event, and a version 1 cgroup counts kills of its own processes only. */
  #wasOomKilled(): boolean {
    return this.#isOomKilled || oomKills(this.cgroup) > 0;
  }
}

/** crun sets the OOM score of a container's first process only. */
function setOomScore(pid: number, score: number): void {
  if (score === 0) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch {
    // the process has ended
  }
}

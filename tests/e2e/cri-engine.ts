/**
 * A containerd with its CRI plugin for one test: with its own directories, network namespace and mount namespace.
 * Pods are created as by kubelet, by gRPC on its socket.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { busyboxArchive } from '../support/busybox-image.ts';
import { mountControllers, removeControllers } from './controllers.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { hasTemplates, removeTemplates } from '../support/templates.ts';

const CALL_TIMEOUT_MS = 90_000;
const PAUSE = 'docker.io/library/pause:1';
export const BUSYBOX = 'docker.io/library/busybox:latest';

const configuration = (directory: string, runtime: string): string => `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${directory}/c.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "kata"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = ["io.katacontainers.*"]
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata.options]
        BinaryName = "${runtime}"
`;

const containerd = (directory: string): string[] => ['containerd', '-c', `${directory}/config.toml`];

const network = (directory: string): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'kata-e2e',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipam: { type: 'host-local', subnet: '10.88.7.0/24', dataDir: `${directory}/ipam`, routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  });

export interface PodOptions {
  /** NamespaceMode of CRI: 0 one for the pod, 1 one for each container. */
  readonly pid?: 0 | 1;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ContainerOptions {
  readonly mounts?: readonly { readonly container_path: string; readonly host_path: string }[];
  readonly devices?: readonly { readonly container_path: string; readonly host_path: string; readonly permissions: string }[];
  readonly memoryBytes?: number;
  readonly attempt?: number;
}

export interface Executed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Pod {
  readonly id: string;
  readonly config: object;
  readonly logs: string;
}

interface Answers {
  RunPodSandbox: { pod_sandbox_id: string };
  PodSandboxStatus: { status: { state: number; network: { ip: string } } };
  ListPodSandbox: { items: { id: string }[] };
  PodSandboxStats: { stats: { linux: { memory: { working_set_bytes: { value: string } } } } };
  CreateContainer: { container_id: string };
  ContainerStatus: { status: { state: number; exit_code: number; reason: string } };
  ContainerStats: { stats: { cpu: { usage_core_nano_seconds: { value: string } }; memory: { working_set_bytes: { value: string } } } };
  PortForward: { url: string };
  ExecSync: { stdout: Buffer; stderr: Buffer; exit_code: number };
  [name: string]: object;
}

type Call = (request: object, options: { deadline: number }, done: (error: Error | null, answer: object) => void) => void;

export class CriEngine {
  readonly directory: string;
  #daemon: ChildProcess;
  readonly #runtime: string;
  readonly #client: InstanceType<ServiceClientConstructor>;
  readonly #cgroup: string;

  private constructor(directory: string, daemon: ChildProcess, runtime: string) {
    this.directory = directory;
    this.#daemon = daemon;
    this.#runtime = runtime;
    this.#cgroup = `/${directory.split('/').pop() ?? ''}`;
    const definition = loadSync(join(import.meta.dirname, 'cri.proto'), { keepCase: true, defaults: true, longs: String });
    const { runtime: found } = loadPackageDefinition(definition) as unknown as {
      runtime: { v1: { RuntimeService: ServiceClientConstructor } };
    };
    const options = { 'grpc.default_authority': 'localhost' };
    this.#client = new found.v1.RuntimeService(`unix://${directory}/c.sock`, credentials.createInsecure(), options);
  }

  static async start(runtime: string): Promise<CriEngine> {
    const directory = mkdtempSync(join(tmpdir(), 'kata-cri-'));
    for (const name of ['cni', 'logs', 'image']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'config.toml'), configuration(directory, runtime));
    writeFileSync(join(directory, 'cni/10-kata.conflist'), network(directory));
    const log = openSync(join(directory, 'containerd.log'), 'a');
    // The results of CNI plugins are cached at a fixed place, which is the machine's.
    const script = `${mountControllers} && mkdir -p /var/lib/cni && mount -t tmpfs cni /var/lib/cni && ip link set lo up && exec "$@"`;
    const args = ['-m', '-n', '--propagation', 'shared', 'sh', '-c', script, 'sh', ...containerd(directory)];
    const engine = new CriEngine(directory, spawn('unshare', args, { stdio: ['ignore', log, log] }), runtime);
    closeSync(log);
    await engine.#answers();
    for (const [name, command] of [
      [BUSYBOX, ['sh']],
      [PAUSE, ['sleep', '1000000']],
    ] as const)
      await engine.#import(name, command);
    return engine;
  }

  /** Restarts containerd in its namespaces: its pods continue to run. */
  async restart(): Promise<void> {
    const { pid = 0 } = this.#daemon;
    // The new process enters the namespaces before the old process ends, and then waits for a line.
    const script = 'echo inside && read -r _ && exec "$@" >&2';
    const args = [`--mount=/proc/${pid}/ns/mnt`, `--net=/proc/${pid}/ns/net`, 'sh', '-c', script, 'sh', ...containerd(this.directory)];
    const log = openSync(join(this.directory, 'containerd.log'), 'a');
    const next = spawn('nsenter', args, { stdio: ['pipe', 'pipe', log] });
    closeSync(log);
    if (!next.stdin || !next.stdout) throw new Error('no pipes');
    await once(next.stdout, 'data');
    await this.#end();
    this.#daemon = next;
    next.stdin.end('\n');
    await this.#answers();
  }

  call<Name extends keyof Answers & string>(name: Name, request: object): Promise<Answers[Name]> {
    return new Promise((resolve, reject) => {
      const call = (this.#client[name] as Call).bind(this.#client);
      call(request, { deadline: Date.now() + CALL_TIMEOUT_MS }, (error, answer) => {
        if (error) reject(error);
        else resolve(answer as Answers[Name]);
      });
    });
  }

  /** Runs a program in the engine's namespaces. */
  inside(program: string, args: readonly string[]): Promise<Outcome> {
    const { pid = 0 } = this.#daemon;
    return run('nsenter', [`--mount=/proc/${pid}/ns/mnt`, `--net=/proc/${pid}/ns/net`, program, ...args]);
  }

  /** Runs the runtime in the engine's namespaces. */
  runtime(...args: string[]): Promise<Outcome> {
    return this.inside(this.#runtime, args);
  }

  async runPod(name: string, { pid = 1, annotations = {} }: PodOptions = {}): Promise<Pod> {
    const logs = join(this.directory, 'logs', name);
    mkdirSync(logs, { recursive: true });
    const config = {
      metadata: { name, uid: name, namespace: 'e2e', attempt: 0 },
      hostname: `${name}-host`,
      log_directory: logs,
      annotations,
      linux: { cgroup_parent: this.cgroupParent(name), security_context: { namespace_options: { network: 0, pid, ipc: 0 } } },
    };
    const { pod_sandbox_id: id } = await this.call('RunPodSandbox', { config });
    return { id, config, logs };
  }

  /** Starts the container; its log is LOGS/NAME.log. */
  async runContainer(pod: Pod, name: string, command: readonly string[], options: ContainerOptions = {}): Promise<string> {
    const { mounts = [], devices = [], memoryBytes = 0, attempt = 0 } = options;
    const linux = (pod.config as { linux: { security_context: object } }).linux.security_context;
    const config = {
      metadata: { name, attempt },
      image: { image: BUSYBOX },
      command,
      mounts,
      devices,
      log_path: `${name}.log`,
      linux: { resources: { memory_limit_in_bytes: memoryBytes }, security_context: linux },
    };
    const request = { pod_sandbox_id: pod.id, config, sandbox_config: pod.config };
    const { container_id } = await this.call('CreateContainer', request);
    await this.call('StartContainer', { container_id });
    return container_id;
  }

  /** Path of a pod's cgroup below each controller. */
  cgroupParent(name: string): string {
    return `${this.#cgroup}/${name}`;
  }

  async exec(container_id: string, ...cmd: string[]): Promise<Executed> {
    const { stdout, stderr, exit_code } = await this.call('ExecSync', { container_id, cmd, timeout: 30 });
    return { code: exit_code, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async status(container_id: string): Promise<Answers['ContainerStatus']['status']> {
    return (await this.call('ContainerStatus', { container_id })).status;
  }

  async removePod({ id }: Pod): Promise<void> {
    await this.call('StopPodSandbox', { pod_sandbox_id: id });
    await this.call('RemovePodSandbox', { pod_sandbox_id: id });
  }

  log(): string {
    return readFileSync(join(this.directory, 'containerd.log'), 'utf8');
  }

  async stop(): Promise<void> {
    for (const { id } of (await this.call('ListPodSandbox', {})).items) await this.removePod({ id, config: {}, logs: '' });
    this.#client.close();
    if (!hasTemplates(process.pid)) await removeTemplates(this.#daemon.pid ?? 0);
    await this.#removeCgroups();
    await this.#end();
    removeControllers();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
  }

  /** Waits until containerd has found its pods again. */
  async #answers(): Promise<void> {
    await until('CRI answers', () =>
      this.call('ListPodSandbox', {}).then(
        () => true,
        () => false,
      ),
    );
  }

  /** kubelet makes and removes the pods' cgroups; here the runtime has made them. */
  async #removeCgroups(): Promise<void> {
    const script = 'for top in /sys/fs/cgroup/*"$1"; do [ ! -e "$top" ] || find "$top" -depth -type d -exec rmdir {} +; done';
    const { code, stderr } = await this.inside('sh', ['-c', script, 'sh', this.#cgroup]);
    if (code !== 0) throw new Error(`cgroups: ${stderr}`);
  }

  async #import(name: string, command: readonly string[]): Promise<void> {
    const archive = await busyboxArchive(join(this.directory, 'image'), name, command);
    const { code, stderr } = await this.inside('ctr', ['-a', `${this.directory}/c.sock`, '-n', 'k8s.io', 'images', 'import', archive]);
    if (code !== 0) throw new Error(`ctr images import: ${stderr}`);
  }
}

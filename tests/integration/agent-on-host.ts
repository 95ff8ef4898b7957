/**
 * kata-agent as a process on the host: a unix socket in place of the serial port; its own mount, PID and network namespaces, so that its
 * leftovers end with it; driven over yamux and gRPC as by the runtime and the shims.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { connectAgent } from '../../packages/common/src/agent-api/agent-connection.ts';
import type { AgentConnection, AgentRequest } from '../../packages/common/src/agent-api/agent-connection.ts';
import { AgentError } from '../../packages/common/src/errors/kata-error.ts';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import type { YamuxStream } from '../../packages/common/src/mux/yamux-stream.ts';
import { ENGINE_DIRECTORY, agentProgram } from '../../packaging/engine/programs.ts';
import { connectSoon } from '../support/connect-soon.ts';
import { mountVersion1 } from '../support/guest-cgroups.ts';
import { AGENT, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

const repository = join(import.meta.dirname, '../..');
const PROGRAM = join(repository, 'packages', AGENT);
/** The executable without its launcher, which would remove the option: JavaScriptCore logs each function on stderr when it is first called. */
const loggingProgram = [
  ...['env', 'BUN_JSC_dumpGeneratedBytecodes=1', ...agentProgram.variables],
  join(repository, 'packages/agent/dist', ENGINE_DIRECTORY, agentProgram.name),
].join(' ');
/** Path of the guest's crun, which test.sh builds. */
const CRUN_DIRECTORY = join(repository, '.cache/crun');

/**
 * cgroups of version 1 or 2 alone, as in a guest. sysfs is mounted again, because it shows the network devices of the namespace that it was
 * mounted in. /run is a new tmpfs, as in a guest.
 */
const prepareSystem = `
mount -t tmpfs run /run
[ -f /sys/fs/cgroup/cgroup.controllers ] && unified=yes
mount -t sysfs sysfs /sys
if [ "$unified" = yes ]; then mount -t cgroup2 none /sys/fs/cgroup; else ${mountVersion1}
fi
ip link set lo up
ip link add eth0 address 02:00:00:00:00:01 type veth peer name peer0`;

const PROGRAMS = 'sh cat sleep echo true kill id hostname grep dd mkdir ls ps stat stty touch yes head mount'.split(' ');

interface AgentOptions {
  /** File for JavaScriptCore's log of functions that are called for the first time. */
  readonly functionLog?: string;
}

export type ContainerSpec = Partial<NonNullable<AgentRequest<'createContainer'>['OCI']>>;
type ProcessRequest = NonNullable<AgentRequest<'execProcess'>['process']>;

/** The gRPC code and text of a refused call; [0, ''] for a successful call. */
export async function refusal(action: Promise<unknown>): Promise<[code: number, text: string]> {
  try {
    await action;
    return [0, ''];
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error));
    return [error.grpcCode, error.message];
  }
}

export class AgentOnHost {
  readonly scratch = new Scratch();
  readonly #process: ChildProcess;
  readonly #clients = new Set<Socket>();
  #session: YamuxSession | undefined;
  #bridge: Server | undefined;
  #agent: AgentConnection | undefined;
  #containers = 0;
  /** The agent's log. */
  said = '';

  private constructor({ functionLog }: AgentOptions) {
    assert.ok(existsSync(PROGRAM), `${PROGRAM} is missing: run "nx run-many -t build"`);
    assert.ok(existsSync(join(CRUN_DIRECTORY, 'crun')), `run "packaging/crun/build.sh --output ${CRUN_DIRECTORY}"`);
    this.#makeRootfs();
    mkdirSync(this.scratch.file('state'));
    const program = functionLog === undefined ? PROGRAM : loggingProgram;
    const command = [program, '-listen', this.scratch.file('agent.sock'), '-state', this.scratch.file('state')].join(' ');
    // The shell is PID 1 of the namespace: an agent with PID 1 would set up the machine like a guest's init.
    const script = `${prepareSystem}\nPATH=${CRUN_DIRECTORY}:$PATH ${command}${functionLog === undefined ? '' : ` 2>${functionLog}`}; exit $?`;
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    this.#process = spawn('unshare', [...namespaces, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.said = (this.said + chunk.toString()).slice(-20_000)));
  }

  /** `sandbox` is the CreateSandbox request; without it no sandbox is created. */
  static async start(sandbox: AgentRequest<'createSandbox'> | undefined = {}, options: AgentOptions = {}): Promise<AgentOnHost> {
    const host = new AgentOnHost(options);
    try {
      await host.#begin(sandbox);
      return host;
    } catch (error) {
      await host.stop();
      throw error;
    }
  }

  async #begin(sandbox: AgentRequest<'createSandbox'> | undefined): Promise<void> {
    await until('the agent listens', () => existsSync(this.scratch.file('agent.sock')));
    this.#session = new YamuxSession('client', await connectSoon(this.scratch.file('agent.sock')));
    await this.#playProxy(this.scratch.file('proxy.sock'), this.#session);
    this.#agent = await this.connect();
    if (sandbox) await this.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'sb', ...sandbox });
  }

  get agent(): AgentConnection {
    assert.ok(this.#agent);
    return this.#agent;
  }

  /** Connects another client, like a shim. */
  connect(): Promise<AgentConnection> {
    return connectAgent(`unix://${this.scratch.file('proxy.sock')}`, {});
  }

  /** Closes the connections of all clients, as when shims are killed. */
  breakConnections(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** Uses this connection for further calls. */
  useAgent(agent: AgentConnection): void {
    this.#agent?.close();
    this.#agent = agent;
  }

  /** A bare stream to the agent's gRPC server. */
  openStream(): Promise<YamuxStream> {
    assert.ok(this.#session);
    return this.#session.openStream();
  }

  async stop(): Promise<void> {
    await this.#agent?.call('destroySandbox', {}).catch(() => {});
    this.#agent?.close();
    await this.#closeBridge();
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    this.#removeCgroups();
    this.scratch.remove();
  }

  /** Pid of the agent in the test's namespace: the child of the shell that unshare has started. */
  get pid(): number {
    const children = (pid: number): number[] =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
    return children(children(this.#process.pid ?? 0)[0] ?? 0)[0] ?? 0;
  }

  get openDescriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Resident memory of the agent in KiB, in total or anonymous memory only. */
  resident(kind: 'VmRSS' | 'RssAnon'): number {
    return Number(new RegExp(`^${kind}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1]);
  }

  /** Descendants of the agent. */
  get descendants(): number {
    const below = (pid: number): number => {
      try {
        const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
        return list.reduce((sum, child) => sum + 1 + below(Number(child)), 0);
      } catch {
        return 0;
      }
    };
    return below(this.pid);
  }

  /** Runs a program in the agent's namespaces. */
  inside(program: string, ...args: string[]): string {
    return execFileSync('nsenter', ['-t', String(this.pid), '-m', '-n', '-p', program, ...args], { encoding: 'utf8' });
  }

  get rootfs(): string {
    return this.scratch.file('rootfs');
  }

  /** Creates a container. @returns its id, which is also the id of its first process */
  async create(args: readonly string[], spec: ContainerSpec = {}, request: AgentRequest<'createContainer'> = {}): Promise<string> {
    const id = request.container_id ?? `c${this.#containers++}`;
    const OCI = {
      Version: '1.0.2',
      Hostname: 'guest',
      Root: { Path: this.rootfs, Readonly: false },
      Mounts: [
        { destination: '/proc', source: 'proc', type: 'proc', options: [] },
        { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['mode=755'] },
        { destination: '/dev/pts', source: 'devpts', type: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      ],
      ...spec,
      Process: { Args: args, Cwd: '/', Env: ['PATH=/bin'], User: {}, ...spec.Process },
      Linux: { CgroupsPath: `${this.#cgroup}/${id}`, ...spec.Linux },
    };
    await this.agent.call('createContainer', { exec_id: id, OCI, ...request, container_id: id });
    return id;
  }

  async run(args: readonly string[], spec: ContainerSpec = {}, request: AgentRequest<'createContainer'> = {}): Promise<string> {
    const id = await this.create(args, spec, request);
    await this.agent.call('startContainer', { container_id: id });
    return id;
  }

  /** Runs a container to its end, and removes it. */
  async outcome(args: readonly string[], spec: ContainerSpec = {}, request: AgentRequest<'createContainer'> = {}) {
    const id = await this.run(args, spec, request);
    const [stdout, stderr] = await Promise.all([this.output(id, id), this.output(id, id, 'readStderr')]);
    const code = await this.wait(id, id);
    await this.remove(id);
    return { code, stdout, stderr };
  }

  exec(container_id: string, exec_id: string, Args: readonly string[], options: ProcessRequest = {}): Promise<unknown> {
    const request = { Args, Cwd: '/', Env: ['PATH=/bin', 'A=1'], User: { UID: 0 }, ...options };
    return this.agent.call('execProcess', { container_id, exec_id, process: request });
  }

  async output(container_id: string, exec_id: string, call: 'readStdout' | 'readStderr' = 'readStdout'): Promise<string> {
    let text = '';
    for (;;) {
      try {
        text += (await this.agent.call(call, { container_id, exec_id, len: 65536 }, { deadlineMs: 20_000 })).data.toString();
      } catch (error) {
        assert.ok(error instanceof AgentError && error.message === 'EOF', `${String(error)}\n${this.said}`);
        return text;
      }
    }
  }

  async wait(container_id: string, exec_id: string): Promise<number> {
    return (await this.agent.call('waitProcess', { container_id, exec_id }, { deadlineMs: 20_000 })).status;
  }

  remove(container_id: string): Promise<unknown> {
    return this.agent.call('removeContainer', { container_id });
  }

  /** Directory of a container's cgroup, in the agent's version 1 hierarchy. */
  cgroupFile(id: string, controller: string, name: string): string {
    return this.inside('cat', `/sys/fs/cgroup/${controller}${this.#cgroup}/${id}/${name}`).trim();
  }

  get #cgroup(): string {
    return `/kata-agent-test-${process.pid}`;
  }

  /** Plays the proxy: each connection to `path` is one yamux stream to the agent. */
  async #playProxy(path: string, session: YamuxSession): Promise<void> {
    this.#bridge = createServer({ allowHalfOpen: true }, (client) => {
      this.#clients.add(client);
      client.on('error', () => {});
      client.on('close', () => this.#clients.delete(client));
      session
        .openStream()
        .then((stream) => {
          stream.on('error', () => client.destroy());
          client.on('close', () => stream.destroy());
          client.pipe(stream).pipe(client);
        })
        .catch(() => client.destroy());
    });
    this.#bridge.listen(path);
    await once(this.#bridge, 'listening');
  }

  /** The server removes its socket when it has closed: removing the directory at the same time would leave the directory behind. */
  async #closeBridge(): Promise<void> {
    this.breakConnections();
    await new Promise((resolve) => (this.#bridge ? this.#bridge.close(resolve) : resolve(undefined)));
  }

  #makeRootfs(): void {
    for (const name of ['bin', 'proc', 'dev', 'etc', 'tmp', 'sys']) mkdirSync(join(this.rootfs, name), { recursive: true });
    copyFileSync('/bin/busybox', join(this.rootfs, 'bin/busybox'));
    for (const name of PROGRAMS) symlinkSync('busybox', join(this.rootfs, 'bin', name));
  }

  /** cgroups outlive the agent's mounts: the hierarchies belong to the machine. */
  #removeCgroups(): void {
    for (const controller of readdirSync('/sys/fs/cgroup')) {
      const top = `/sys/fs/cgroup/${controller}${this.#cgroup}`;
      if (!existsSync(top)) continue;
      for (const entry of readdirSync(top, { withFileTypes: true })) if (entry.isDirectory()) rmdirSync(join(top, entry.name));
      rmdirSync(top);
    }
  }
}

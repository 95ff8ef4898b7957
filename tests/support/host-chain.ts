/**
 * agent → proxy → shim without a VM: the agent serves on a unix socket in place of the serial port, in its own mount and PID
 * namespaces (its leftovers end with it); the proxy connects to it, and shims to the proxy.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { connectAgent } from '../../packages/common/src/agent-api/agent-connection.ts';
import type { AgentConnection } from '../../packages/common/src/agent-api/agent-connection.ts';
import { mountVersion1 } from './guest-cgroups.ts';
import { AGENT, Component, PROXY, SHIM, Scratch } from './process.ts';
import { until } from './until.ts';

const packages = join(import.meta.dirname, '../../packages');

const prepareCgroups = `[ -f /sys/fs/cgroup/cgroup.controllers ] || { ${mountVersion1}
}`;

function makeRootfs(rootfs: string): void {
  for (const name of ['bin', 'proc', 'dev', 'etc', 'tmp', 'sys']) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const name of ['sh', 'cat', 'sleep', 'echo', 'dd', 'sha256sum', 'stty', 'tee']) symlinkSync('busybox', join(rootfs, 'bin', name));
}

/** The shell is PID 1 of the namespace: an agent with PID 1 would set up the machine like a guest's init. */
function startAgent(scratch: Scratch): ChildProcess {
  const args = [join(packages, AGENT), '-listen', scratch.file('kata.sock'), '-state', scratch.file('state')];
  mkdirSync(scratch.file('state'));
  const script = `${prepareCgroups}\n${args.join(' ')}; exit $?`;
  return spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script], { stdio: 'ignore' });
}

/** Parent of the containers' cgroups. */
const CGROUP = `kata-chain-${process.pid}`;
const CGROUPS = '/sys/fs/cgroup';

/** Removes the cgroups of each hierarchy, children first. False while one of them has a process that is ending. */
function removeCgroups(): boolean {
  const hierarchies = [CGROUPS, ...readdirSync(CGROUPS).map((name) => join(CGROUPS, name))];
  const parents = hierarchies.map((hierarchy) => join(hierarchy, CGROUP)).filter((path) => existsSync(path));
  const children = parents.flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(parent, entry.name)] : [])),
  );
  try {
    for (const path of [...children, ...parents]) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

export class HostChain {
  readonly scratch: Scratch;
  readonly proxy: Component;
  readonly agent: AgentConnection;
  readonly #agentProcess: ChildProcess;
  #containers = 0;

  private constructor(scratch: Scratch, agentProcess: ChildProcess, proxy: Component, agent: AgentConnection) {
    this.scratch = scratch;
    this.#agentProcess = agentProcess;
    this.proxy = proxy;
    this.agent = agent;
  }

  static async start(): Promise<HostChain> {
    const scratch = new Scratch();
    makeRootfs(scratch.file('rootfs'));
    const agentProcess = startAgent(scratch);
    await until('the agent listens', () => existsSync(scratch.file('kata.sock')));
    const sockets = ['-listen-socket', scratch.file('proxy.sock'), '-mux-socket', scratch.file('kata.sock')];
    const proxy = new Component(PROXY, sockets);
    await until('the proxy listens', () => existsSync(scratch.file('proxy.sock')));
    const agent = await connectAgent(`unix://${scratch.file('proxy.sock')}`, {});
    await agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'sb' });
    return new HostChain(scratch, agentProcess, proxy, agent);
  }

  /** The agent itself, below unshare and the shell that started it. */
  get agentPid(): number {
    const child = (pid: string): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0] ?? '';
    return Number(child(child(String(this.#agentProcess.pid))));
  }

  /** Creates and starts a container. @returns its id, which is also the id of its first process */
  async run(args: readonly string[], terminal = false): Promise<string> {
    const id = `c${this.#containers++}`;
    const OCI = {
      Version: '1.0.2',
      Hostname: 'guest',
      Root: { Path: this.scratch.file('rootfs'), Readonly: false },
      Process: { Args: [...args], Cwd: '/', Env: ['PATH=/bin'], Terminal: terminal, User: {} },
      Mounts: [
        { destination: '/proc', source: 'proc', type: 'proc', options: [] },
        { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['mode=755'] },
        { destination: '/dev/pts', source: 'devpts', type: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      ],
      Linux: { CgroupsPath: `/${CGROUP}/${id}` },
    };
    await this.agent.call('createContainer', { container_id: id, exec_id: id, OCI });
    await this.agent.call('startContainer', { container_id: id });
    return id;
  }

  /** The command line of a shim for a container's first process: program and arguments. */
  shimCommand(id: string, ...extra: string[]): [program: string, args: string[]] {
    const address = ['-agent', `unix://${this.scratch.file('proxy.sock')}`, '-container', id, '-exec-id', id];
    return [join(packages, SHIM), [...address, ...extra]];
  }

  async remove(id: string): Promise<void> {
    await this.agent.call('signalProcess', { container_id: id, exec_id: id, signal: 9 }).catch(() => {});
    await this.agent.call('removeContainer', { container_id: id });
  }

  async stop(): Promise<void> {
    this.agent.close();
    await this.proxy.kill();
    const ended = once(this.#agentProcess, 'exit');
    this.#agentProcess.kill('SIGKILL');
    await ended;
    await until('the cgroups are removed', removeCgroups);
    this.scratch.remove();
  }
}

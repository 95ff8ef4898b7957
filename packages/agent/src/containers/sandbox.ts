/** The sandbox of this guest: its namespaces, storage and containers. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { CreateContainerRequest, CreateSandboxRequest, Storage } from '@kata-containers/common/generated/agent';
import { bind } from '@kata-containers/common/kernel/ffi';
import { MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import { GrpcError } from '../service/grpc-error.ts';
import { Container } from './container.ts';
import { Crun } from './crun.ts';
import { createNamespaces, namespacePaths, removeNamespaces } from './namespaces.ts';
import { specConfig, splitSysctl } from './oci-bundle.ts';
import type { Reaper } from './reaper.ts';
import { StorageTable } from './storage.ts';

export interface Machine {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly log: Logger;
  /** /run in a guest. */
  readonly stateDirectory: string;
  /** Bytes of containers' pipes; 0 for our own choice. */
  readonly pipeBytes: number;
}

const RESOLV_CONF = '/etc/resolv.conf';

export class Sandbox {
  readonly machine: Machine;
  readonly #crun: Crun;
  readonly #storages: StorageTable;
  readonly #containers = new Map<string, { container: Container; storages: readonly Storage[] }>();
  readonly #beingMade = new Set<string>();
  #running = false;

  constructor(machine: Machine) {
    this.machine = machine;
    this.#crun = new Crun(machine.reaper, join(machine.stateDirectory, 'crun'));
    this.#storages = new StorageTable(machine.kernel);
  }

  get #namespaceDirectory(): string {
    return join(this.machine.stateDirectory, 'sandbox-ns');
  }

  create(request: CreateSandboxRequest): void {
    if (this.#running) throw new GrpcError(status.ALREADY_EXISTS, 'Sandbox already started, impossible to start again');
    this.#running = true;
    createNamespaces(this.#namespaceDirectory, request.hostname, this.machine.kernel);
    for (const storage of request.storages) this.#storages.add(storage);
    if (request.dns.length > 0) this.#setDns(request.dns);
  }

  /** Ends everything; caches are written back, because the VM is ended next. */
  async destroy(): Promise<void> {
    if (!this.#running) return;
    for (const id of [...this.#containers.keys()]) await this.removeContainer(id);
    syncCaches();
    this.#storages.removeAll();
    removeNamespaces(this.#namespaceDirectory, this.machine.kernel);
    this.#running = false;
  }

  async createContainer(request: CreateContainerRequest): Promise<void> {
    const { container_id: id, OCI: spec } = request;
    if (!this.#running) throw new GrpcError(status.FAILED_PRECONDITION, 'Sandbox not started, impossible to run a new container');
    if (this.#containers.has(id) || this.#beingMade.has(id))
      throw new GrpcError(status.ALREADY_EXISTS, `Container ${id} already exists, impossible to create`);
    if (!spec) throw new GrpcError(status.INVALID_ARGUMENT, 'OCI specification is missing');
    if (request.sandbox_pidns || request.agent_pidns)
      throw new GrpcError(status.UNIMPLEMENTED, 'a shared PID namespace is not supported by this agent');
    this.#beingMade.add(id);
    try {
      for (const storage of request.storages) this.#storages.add(storage);
      setNetworkSysctl(splitSysctl(spec.Linux?.Sysctl ?? {}).network);
      const { kernel, reaper, pipeBytes } = this.machine;
      const config = specConfig(spec, namespacePaths(this.#namespaceDirectory));
      const tools = { kernel, reaper, pipeBytes, crun: this.#crun };
      const container = await Container.create(id, request.exec_id, config, join(this.machine.stateDirectory, 'libcontainer'), tools);
      this.#containers.set(id, { container, storages: request.storages });
    } finally {
      this.#beingMade.delete(id);
    }
  }

  /** @throws GrpcError when there is none */
  container(id: string): Container {
    const found = this.#containers.get(id);
    if (!found) throw new GrpcError(status.FAILED_PRECONDITION, `Container ${id} not found`);
    return found.container;
  }

  async removeContainer(id: string): Promise<void> {
    const found = this.#containers.get(id);
    if (!found) throw new GrpcError(status.FAILED_PRECONDITION, `Container ${id} not found`);
    await found.container.destroy();
    this.#containers.delete(id);
    for (const { mount_point } of found.storages.toReversed()) this.#storages.remove(mount_point);
  }

  /** The root file system is read-only: the guest's resolv.conf is a file elsewhere, mounted over the empty one. */
  #setDns(lines: readonly string[]): void {
    const file = join(this.machine.stateDirectory, 'kata-containers/sandbox/resolv.conf');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, lines.map((line) => `${line.trim()}\n`).join(''));
    if (!existsSync(RESOLV_CONF)) this.machine.log.error('the guest has no /etc/resolv.conf to mount over');
    else this.machine.kernel.mount(file, RESOLV_CONF, 'none', MS_BIND);
  }
}

/** Network sysctls apply to the guest's own namespace, which is the containers'. */
function setNetworkSysctl(entries: readonly (readonly [string, string])[]): void {
  for (const [name, value] of entries) {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    if (path.includes('/../')) throw new GrpcError(status.INVALID_ARGUMENT, `invalid sysctl ${name}`);
    readFileSync(path); // a name that does not exist fails with its own text
    writeFileSync(path, value);
  }
}

/** sync(2). */
function syncCaches(): void {
  bind({ sync: [] }).sync();
}

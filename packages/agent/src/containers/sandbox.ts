/** The sandbox of this guest: its namespaces, storage and containers. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { debugShellParameter, guestItself } from '@kata-containers/common/agent-api/guest-processes';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { CreateContainerRequest, CreateSandboxRequest, Storage } from '@kata-containers/common/generated/agent';
import type { Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Hooks, Spec } from '@kata-containers/common/oci/spec';
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { OomEvents } from '../cgroups/oom-events.ts';
import { isDiskVolume } from '../devices/device-types.ts';
import { rootDevices } from '../devices/root-devices.ts';
import { NameService } from '../dns/name-service.ts';
import { readOnlineCpus } from '../guest/online.ts';
import { specConfig } from '../oci/spec-config.ts';
import { splitSysctl } from '../oci/split-sysctl.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { StorageTools } from '../storage/storage-drivers.ts';
import { isInMemory } from '../storage/is-in-memory.ts';
import { StorageTable } from '../storage/storage-table.ts';
import { checkedSpec } from './checked-spec.ts';
import { Container } from './container.ts';
import { Crun } from './crun.ts';
import { GuestShell } from './guest-shell.ts';
import { createNamespaces, namespacePaths, removeNamespaces } from './namespaces.ts';
import type { PauseProcess } from './pause-process.ts';
import type { Reaper } from '../processes/reaper.ts';
import { setDns } from './resolv-conf.ts';
import { step } from '../tracing/step.ts';
import { SeccompPrograms } from './seccomp-programs.ts';

export interface Machine {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly log: Logger;
  /** /run in a guest. */
  readonly stateDirectory: string;
  /** Bytes of containers' pipes; 0 for the default. */
  readonly pipeBytes: number;
  readonly hotplugTimeoutMs: number;
  /** The host may start processes outside of the containers. */
  readonly debugShell: boolean;
}

/** A bound that is larger than a guest's memory allows. */
const MAX_CONTAINERS = 1024;

interface SandboxContainer {
  readonly container: Container;
  readonly storages: readonly Storage[];
}

type Undo = () => void | Promise<void>;

export class Sandbox {
  readonly machine: Machine;
  readonly oomEvents = new OomEvents();
  readonly names: NameService;
  readonly #crun: Crun;
  readonly #seccompPrograms: SeccompPrograms;
  readonly #guestShell: GuestShell | undefined;
  readonly #storages: StorageTable;
  readonly #containers = new Map<string, SandboxContainer>();
  readonly #beingMade = new Set<string>();
  #running = false;
  /** The part of `destroy` that runs after the answer. */
  #rest: Promise<void> | undefined;
  /** The share is virtio-fs. */
  #isServed = false;
  /** Undo functions of the steps of `create`, called in reverse order. */
  #undo: Undo[] = [];
  #guestHooks: Hooks | undefined;
  #pauseProcess: PauseProcess | undefined;
  /** Namespace of the pause process, or else of the first container. */
  #sharedPidNamespace: string | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
    this.names = new NameService(machine.log);
    const crunState = join(machine.stateDirectory, 'crun');
    this.#crun = new Crun(machine.reaper, crunState);
    this.#seccompPrograms = new SeccompPrograms(crunState);
    this.#guestShell = machine.debugShell ? new GuestShell(machine) : undefined;
    const findDevice: StorageTools['findDevice'] = async (driver, address, hints) =>
      (await import('../devices/device-finder.ts')).findDevice(driver, address, await this.#finderOptions(), hints);
    this.#storages = new StorageTable({ kernel: machine.kernel, findDevice });
  }

  get #namespaceDirectory(): string {
    return join(this.machine.stateDirectory, 'sandbox-ns');
  }

  get containers(): Container[] {
    return [...this.#containers.values()].map(({ container }) => container);
  }

  async create(request: CreateSandboxRequest): Promise<void> {
    await this.#rest;
    if (this.#running) throw new GrpcError(status.ALREADY_EXISTS, 'Sandbox already started, impossible to start again');
    this.#running = true;
    try {
      await this.#make(request);
    } catch (error) {
      await this.#unmake().catch(() => {});
      throw error;
    }
  }

  /**
   * Kills all processes and syncs file systems. The host ends the VM next, so what changes only the guest is done after the answer.
   */
  async destroy(): Promise<void> {
    if (!this.#running) return;
    for (const [id, entry] of this.#containers) if (!this.#isOnlyInGuest(entry)) await this.#remove(id, entry);
    this.machine.kernel.sync();
    this.#running = false;
    if (this.#containers.size === 0) return this.#unmake();
    this.#rest = this.#destroyRest().catch((error: unknown) =>
      this.machine.log.warn('the sandbox was not removed completely', { reason: errorMessage(error) }),
    );
  }

  async createContainer(request: CreateContainerRequest): Promise<void> {
    const { container_id: id } = request;
    this.#checkRoom(id);
    const spec = checkedSpec(request);
    this.#beingMade.add(id);
    try {
      await step('storages', () => this.#storages.addAll(request.storages));
      try {
        const container = await this.#makeContainer(request, spec);
        this.#containers.set(id, { container, storages: request.storages });
      } catch (error) {
        await this.#storages.removeAll(request.storages).catch(() => {}); // the first error is reported
        throw error;
      }
    } finally {
      this.#beingMade.delete(id);
    }
  }

  /** @throws GrpcError without a sandbox */
  container(id: string): Container {
    return this.#find(id).container;
  }

  /** The owner of the processes that a request names: a container, or the guest itself. @throws GrpcError */
  processesOf(id: string): Pick<Container, 'exec' | 'process' | 'takeExit' | 'wait'> {
    return id === guestItself ? this.#shell() : this.container(id);
  }

  /** For a container that does not exist, 1.x answers a signal with another code than other calls. @throws GrpcError */
  async signal(id: string, execId: string, signal: number): Promise<void> {
    if (id === guestItself) return this.#shell().signal(execId, signal);
    if (!this.#running) throw new GrpcError(status.FAILED_PRECONDITION, 'Sandbox not started, impossible to signal the container');
    const text = `Could not signal process ${execId}: rpc error: code = NotFound desc = Container ${id} not found`;
    if (!this.#containers.has(id)) throw new GrpcError(status.FAILED_PRECONDITION, text);
    await this.container(id).signal(execId, signal);
  }

  async startContainer(id: string): Promise<void> {
    const container = this.container(id);
    await this.names.startFor(container.resolvConf);
    await container.start(() => this.oomEvents.add(id));
  }

  /** Removes a container. The host unmounts the container's directories in the share next. */
  async removeContainer(id: string): Promise<void> {
    await this.#remove(id, this.#find(id));
    if (this.#isServed) (await import('../guest/drop-caches.ts')).dropCaches();
  }

  #shell(): GuestShell {
    if (this.#guestShell) return this.#guestShell;
    throw new GrpcError(status.PERMISSION_DENIED, `the guest was started without ${debugShellParameter}`);
  }

  async #remove(id: string, { container, storages }: SandboxContainer): Promise<void> {
    await container.destroy();
    // Only one of two concurrent removals releases the storages: other containers may use them too.
    if (this.#containers.get(id)?.container !== container) return;
    this.#containers.delete(id);
    await this.#storages.removeAll(storages);
  }

  /** Whether the container's removal changes nothing outside of the guest. */
  #isOnlyInGuest({ container, storages }: SandboxContainer): boolean {
    return container.isEmpty && storages.every(isInMemory) && this.#guestHooks === undefined;
  }

  async #destroyRest(): Promise<void> {
    await setImmediate(); // the answer is sent first
    for (const [id, entry] of this.#containers) await this.#remove(id, entry);
    await this.#unmake();
  }

  #find(id: string): SandboxContainer {
    if (!this.#running) throw new GrpcError(status.FAILED_PRECONDITION, 'Sandbox not started');
    const found = this.#containers.get(id);
    if (!found) throw new GrpcError(status.NOT_FOUND, `Container ${id} not found`);
    return found;
  }

  async #make(request: CreateSandboxRequest): Promise<void> {
    const { kernel, reaper, log, stateDirectory } = this.machine;
    for (const module of request.kernel_modules) await (await import('../guest/load-module.ts')).loadModule(module, reaper);
    if (request.guest_hook_path !== '') {
      this.#guestHooks = (await import('./guest-hooks.ts')).findGuestHooks(request.guest_hook_path);
      if (!this.#guestHooks) log.warn('Guest hooks were requested but none were found', { 'oci-hook-path': request.guest_hook_path });
    }
    createNamespaces(this.#namespaceDirectory, request.hostname, kernel);
    this.#undo.push(() => removeNamespaces(this.#namespaceDirectory, kernel));
    if (request.sandbox_pidns) await this.#startPauseProcess();
    this.#undo.push(() => this.#storages.clear());
    await step('storages', () => this.#storages.addAll(request.storages));
    this.#isServed = request.storages.some(({ driver }) => driver === 'virtio-fs');
    if (request.dns.length > 0) this.#undo.push(setDns(request.dns, stateDirectory, kernel, log));
    this.#undo.push(() => this.names.close());
    if (namesDockerResolver(request.dns)) await this.names.start();
  }

  async #unmake(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) await undo();
    this.#guestHooks = undefined;
    this.#pauseProcess = undefined;
    this.#sharedPidNamespace = undefined;
    this.#running = false;
  }

  async #startPauseProcess(): Promise<void> {
    const { startPauseProcess } = await import('./pause-process.ts');
    const pause = startPauseProcess(this.machine.kernel, this.machine.reaper);
    this.#undo.push(() => pause.stop());
    this.#pauseProcess = pause;
    this.#sharedPidNamespace = pause.namespacePath;
  }

  /** Checks that a container with this id can be created. @throws GrpcError */
  #checkRoom(id: string): void {
    if (!this.#running) throw new GrpcError(status.FAILED_PRECONDITION, 'Sandbox not started, impossible to run a new container');
    if (this.#containers.has(id) || this.#beingMade.has(id))
      throw new GrpcError(status.ALREADY_EXISTS, `Container ${id} already exists, impossible to create`);
    if (this.#containers.size + this.#beingMade.size >= MAX_CONTAINERS)
      throw new GrpcError(status.RESOURCE_EXHAUSTED, `this sandbox has ${MAX_CONTAINERS} containers`);
  }

  async #makeContainer(request: CreateContainerRequest, spec: SpecMessage): Promise<Container> {
    const { container_id: id, exec_id, devices, storages } = request;
    const volumes = storages.filter(isDiskVolume);
    if (devices.length + volumes.length > 0) {
      const { addDevices, allowVolumes } = await import('../devices/add-devices.ts');
      await addDevices(devices, spec, await this.#finderOptions());
      allowVolumes(volumes, spec);
    }
    const { guest } = splitSysctl(spec.Linux?.Sysctl ?? {});
    if (guest.length > 0) (await import('../guest/write-sysctl.ts')).writeSysctl(guest);
    const { stateDirectory } = this.machine;
    const tools = { ...this.machine, crun: this.#crun };
    const config = this.#config(request, spec);
    const container = await Container.create(
      {
        id,
        spec: this.#seccompPrograms.apply(config),
        execId: exec_id,
        nullStdin: spec.Process?.NullStdin ?? false,
        bundles: join(stateDirectory, 'libcontainer'),
      },
      tools,
    );
    this.#seccompPrograms.remember(config, id);
    // 1.x: without a pause process the first container's namespace is shared.
    if (!this.#pauseProcess && this.#containers.size === 0) this.#sharedPidNamespace = `/proc/${container.pid}/ns/pid`;
    return container;
  }

  #config(request: CreateContainerRequest, spec: SpecMessage): Spec {
    const { ipc, uts } = namespacePaths(this.#namespaceDirectory);
    return specConfig(spec, {
      ipcNamespace: ipc,
      utsNamespace: uts,
      pidNamespace: this.#pidNamespace(request),
      rootDevices: rootDevices(),
      onlineCpus: (spec.Linux?.Resources?.CPU?.Cpus ?? '') === '' ? '' : readOnlineCpus(),
      guestHooks: this.#guestHooks,
    });
  }

  #pidNamespace({ agent_pidns, sandbox_pidns }: CreateContainerRequest): string {
    if (agent_pidns) return 'agent';
    return sandbox_pidns || this.#pauseProcess ? (this.#sharedPidNamespace ?? 'own') : 'own';
  }

  async #finderOptions() {
    const { finderOptions } = await import('../devices/device-finder.ts');
    return finderOptions(this.machine.hotplugTimeoutMs, this.machine.kernel);
  }
}

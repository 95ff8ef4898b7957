/** Computes the plan of one VM from configuration and host. */
import { statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import { canOpen, isVirtualMachine, readCpuinfo } from '../host-check/accelerator.ts';
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import { hasFeature } from '../hypervisor/qemu/qemu-features.ts';
import { planMemoryBackend } from '../hypervisor/qemu/memory-backend-plan.ts';
import { needOfRoot, unprivilegedUser } from './unprivileged-plan.ts';
import type { Accelerator, QemuNetwork, QemuPaths, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';

const MIB = 1 << 20;
/** Maximum number of vCPUs on x86-64, as in 1.x. */
const MAX_VCPUS = 240;

export interface PlanInputs {
  readonly sandboxId: string;
  readonly accelerator: Accelerator;
  readonly networks: readonly QemuNetwork[];
  readonly sharedDirectory: string;
  /** virtiofsd's socket. */
  readonly virtioFsSocket: string;
  readonly paths: QemuPaths;
  readonly agentDebug: boolean;
  readonly debugShell: boolean;
}

function vcpus({ default_vcpus: start, default_maxvcpus: most }: HypervisorConfiguration): { vcpus: number; maxVcpus: number } {
  const host = Math.min(availableParallelism(), MAX_VCPUS);
  const maxVcpus = most === 0 || most > host ? host : most;
  return { maxVcpus, vcpus: Math.min(start === 0 ? 1 : start < 0 ? maxVcpus : start, maxVcpus) };
}

/** The host's memory plus 1 GiB, as in 1.x: address space for hot-plugged memory, not memory. */
function memory(configuration: HypervisorConfiguration): Pick<QemuPlan, 'memoryMiB' | 'maxMemoryMiB' | 'memorySlots'> {
  const memoryMiB = configuration.default_memory === 0 ? 2048 : configuration.default_memory;
  const host = Math.floor(totalmem() / MIB);
  return {
    memoryMiB,
    maxMemoryMiB: Math.max(host, memoryMiB) + 1024 + configuration.memory_offset,
    memorySlots: configuration.memory_slots,
  };
}

/** The types of share and memory depend on each other. */
function share(configuration: HypervisorConfiguration, socket: string): Pick<QemuPlan, 'virtioFs' | 'memoryBackend'> {
  const memoryBackend = planMemoryBackend(configuration);
  return {
    ...(configuration.shared_fs === 'virtio-fs' && { virtioFs: { socket, cacheMiB: configuration.virtio_fs_cache_size } }),
    ...(memoryBackend && { memoryBackend }),
  };
}

const isReadable = (path: string): boolean => (statSync(path).mode & 0o004) !== 0;

export function planVm(configuration: HypervisorConfiguration, inputs: PlanInputs): QemuPlan {
  const plan = planAsRoot(configuration, inputs);
  const rootReason = needOfRoot(configuration, plan, isReadable);
  return { ...plan, ...(rootReason === undefined ? { user: unprivilegedUser(process.pid) } : { rootReason }) };
}

function planAsRoot(configuration: HypervisorConfiguration, { virtioFsSocket, ...request }: PlanInputs): QemuPlan {
  const { image, initrd } = configuration;
  return {
    ...request,
    ...share(configuration, virtioFsSocket),
    ...vcpus(configuration),
    ...memory(configuration),
    binary: configuration.path,
    uuid: randomUuid(),
    machineType: configuration.machine_type,
    machineAccelerators: configuration.machine_accelerators,
    cpuFeatures: configuration.cpu_features,
    bridges: configuration.default_bridges === 0 ? 1 : configuration.default_bridges,
    kernel: configuration.kernel,
    kernelParams: configuration.kernel_params,
    debug: configuration.enable_debug,
    ...(image === '' ? {} : { image: { path: image, sizeBytes: statSync(image).size } }),
    ...(initrd === '' ? {} : { initrd }),
    imageAsNvdimm: !configuration.disable_image_nvdimm,
    disksAsNvdimm: configuration.block_device_driver === 'nvdimm',
    firmware: configuration.firmware,
    pflashes: configuration.pflashes,
    ioThread: configuration.enable_iothreads,
    seccomp: configuration.seccompsandbox,
    swappable: configuration.enable_swap,
    entropySource: configuration.entropy_source,
    vhostNet: !configuration.disable_vhost_net && canOpen('/dev/vhost-net'),
    keepsCode: configuration.keep_translated_code && request.accelerator === 'tcg' && hasFeature(configuration.path, 'kept-code'),
    nested: !configuration.disable_nesting_checks && request.accelerator === 'kvm' && isVirtualMachine(readCpuinfo()),
  };
}

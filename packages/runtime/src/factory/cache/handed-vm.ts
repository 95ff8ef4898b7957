/** Codec of cache.GrpcVM, whose `hypervisor` is JSON with 1.x's fields and a few more. */
import type { GrpcVM } from '@kata-containers/common/generated/cache';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';

export interface HandedVm {
  readonly id: string;
  readonly uuid: string;
  readonly vm: ProcessIdentity;
  readonly proxy: ProcessIdentity;
  /** Path of the network namespace with its tap. */
  readonly netns: string;
}

interface Hypervisor {
  readonly ID: string;
  readonly QmpChannelpath: string;
  readonly State: { readonly UUID: string };
  readonly Process: ProcessIdentity;
  readonly Proxy: ProcessIdentity;
  readonly NetNsPath: string;
}

export function encodeVm({ id, vm, proxy, netns, plan }: Omit<HandedVm, 'uuid'> & { readonly plan: QemuPlan }, proxyURL: string): GrpcVM {
  const hypervisor: Hypervisor = {
    ID: id,
    QmpChannelpath: plan.paths.qmpSocket,
    State: { UUID: plan.uuid },
    Process: vm,
    Proxy: proxy,
    NetNsPath: netns,
  };
  return {
    id,
    hypervisor: Buffer.from(JSON.stringify(hypervisor)),
    proxyPid: BigInt(proxy.pid),
    proxyURL,
    cpu: plan.vcpus,
    memory: plan.memoryMiB,
    cpuDelta: 0,
  };
}

/** @throws KataError for an incompatible server */
export function decodeVm({ id, hypervisor }: GrpcVM): HandedVm {
  const { State: state, Process: vm, Proxy: proxy, NetNsPath: netns } = JSON.parse(hypervisor.toString()) as Partial<Hypervisor>;
  if (!state || !vm || !proxy || netns === undefined) throw new KataError('the VM cache server is incompatible with this runtime');
  return { id, uuid: state.UUID, vm, proxy, netns };
}

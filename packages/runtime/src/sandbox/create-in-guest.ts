/** Shares a container's files, attaches its disks, and calls CreateContainer. */
import { statSync } from 'node:fs';
import { Storage } from '@kata-containers/common/generated/agent';
import { hasOwnMounts } from '../processes/has-own-mounts.ts';
import { isNullStdin } from '../processes/null-stdin.ts';
import { agentSpec, joinsNamespace, sharesPids } from '../bundle/agent-spec.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { setsLinks } from '../bundle/sets-links.ts';
import type { NetworkFacts } from '../network/join.ts';
import { mountAt, readMountTable } from '../mounts/mount-table.ts';
import { planPodVolumes } from '../storage/pod-volume-plan.ts';
import type { PodVolumePlan, VolumeFacts } from '../storage/pod-volume-plan.ts';
import { shareFacts, sharePaths } from '../storage/share.ts';
import { planShare } from '../storage/share-plan.ts';
import { provideDisks } from './container-disks.ts';
import type { Context } from '../context/context.ts';
import { guestShare, sandboxPaths } from '../context/paths.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import type { SandboxState } from '../state/state.ts';
import { takesSeccomp } from './takes-seccomp.ts';
import type { TargetSandbox } from './target-sandbox.ts';
import type { Undo } from '../undo/undo-journal.ts';

interface Container {
  readonly id: string;
  readonly bundle: Bundle;
}

const volumeFacts: VolumeFacts = {
  tmpfsOptions(path) {
    const entry = mountAt(path, readMountTable());
    return entry?.fstype === 'tmpfs' ? entry.superOptions : undefined;
  },
  /** For a missing directory, the owner and mode that kubelet gives by default. */
  ownerOf(path) {
    const { gid, mode } = statSync(path, { throwIfNoEntry: false }) ?? { gid: 0, mode: 0o777 };
    return { gid, mode: mode & 0o7777 };
  },
};

/** Volumes of a pod's first container stay on the host, as those of a single container: no other container exists to share them with (1.x). */
function podVolumes({ id, bundle }: Container, sandboxId: string): PodVolumePlan {
  const mounts = bundle.spec.mounts ?? [];
  if (isFirstContainer(sandboxId, id)) return { storages: [], mounts, inGuest: new Set() };
  return planPodVolumes(sandboxId, mounts, volumeFacts);
}

/** Of a namespace without links: the request for a link would contain them. */
const ipv6Sysctls = (network: NetworkFacts | undefined): Record<string, string> =>
  Object.fromEntries((network?.withoutIpv6 ?? []).map((name) => [`net.ipv6.conf.${name}.disable_ipv6`, '1']));

/** A sandbox without its network when the container is created before that is known. */
export interface GuestTarget extends Omit<TargetSandbox, 'sandbox' | 'container'> {
  readonly sandbox: Pick<SandboxState, 'HypervisorState' | 'Config'> & Partial<Pick<SandboxState, 'Network'>>;
}

/**
 * Changes are in the journal and in the sandbox's state, also after an error. The state must have been saved if disks are needed.
 * @throws KataError, HypervisorError, AgentError
 */
export async function createInGuest(context: Context, container: Container, target: GuestTarget): Promise<void> {
  const { id, bundle } = container;
  const { sandboxId, journal, sandbox, agent, isJoined = false } = target;
  const record = (entry: Undo): void => journal.record({ ...entry, container: id });
  const supportsSeccomp = target.takesSeccomp ?? takesSeccomp(context, bundle, agent); // the answer arrives while files are shared
  supportsSeccomp.catch(() => {});
  if (setsLinks(bundle.spec)) await target.network; // the agent names the links
  const volumes = podVolumes(container, sandboxId);
  const disks = await provideDisks(context, { id, sandboxId, sandbox, bundle, mounts: volumes.mounts });
  const inGuest = new Set([...volumes.inGuest, ...disks.inGuest]);
  const plan = planShare(id, disks.mounts, shareFacts, { inGuest, ownSharedMemory: isJoined && !joinsNamespace(bundle.spec, 'ipc') });
  const { Process, Virtiofsd } = sandbox.HypervisorState;
  const servedElsewhere = hasOwnMounts(Virtiofsd ?? Process);
  const shared = { id, volumes: plan.shared, servedElsewhere, ...(disks.rootSuffix === undefined && { rootfs: bundle.rootfs }) };
  sharePaths(sandboxPaths(sandboxId), shared, record, context.kernel);
  const seccomp = await supportsSeccomp;
  const rootPath = `${guestShare}/${id}${disks.rootSuffix ?? '/rootfs'}`;
  const call = {
    container_id: id,
    exec_id: id,
    storages: [...volumes.storages.map((storage) => Storage.fromPartial(storage)), ...disks.storages],
    devices: [...disks.devices],
    OCI: agentSpec(bundle.spec, {
      ...{ rootPath, mounts: plan.mounts, devices: disks.specDevices, absentDevices: disks.absentDevices },
      ...{ seccomp, nullStdin: isNullStdin() },
      ...(isFirstContainer(sandboxId, id) && { namespaceSysctls: ipv6Sysctls(sandbox.Network?.GuestNetwork) }),
    }),
    sandbox_pidns: sharesPids(bundle.spec),
  };
  await agent.call('createContainer', call);
}

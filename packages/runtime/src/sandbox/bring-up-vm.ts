/** The sandbox' VM, joined to its network and exporting its share: one that stands ready in the cache, else a new one. */
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { rename, resume } from '../factory/cache/cached-vm.ts';
import { askForVm } from '../factory/cache/ask-for-vm.ts';
import type { HandedVm } from '../factory/cache/handed-vm.ts';
import { whyNotCloned } from '../factory/cloneable-plan.ts';
import { individualise } from '../factory/individualise.ts';
import { keyOf } from '../factory/template-key.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { closeAll } from '../processes/end-process.ts';
import { cloneOrBoot, undoSince } from '../factory/clone-or-boot.ts';
import type { Up } from '../factory/clone-or-boot.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { Context } from '../context/context.ts';
import { bringIntoCgroupOf } from '../vm/container-cgroup.ts';
import type { SandboxPaths } from '../context/paths.ts';
import { adoptNetwork, joinNetwork, partFromTaps } from './sandbox-network.ts';
import type { SandboxNetwork } from './sandbox-network.ts';
import { timed } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { makeVmDirectories } from '../vm/vm-directories.ts';

interface VmRequest {
  readonly id: string;
  readonly plan: QemuPlan;
  readonly files: SandboxPaths;
  readonly network: SandboxNetwork;
  readonly journal: UndoJournal;
}

async function startNew(context: Context, { plan, files, network, journal }: VmRequest): Promise<Up> {
  const taps = await timed(context.log, 'join taps', () => joinNetwork(context, network, journal));
  try {
    await makeVmDirectories(context, files, journal);
    return await cloneOrBoot(context, { plan, files, netns: network.path, journal, taps });
  } finally {
    closeAll(taps);
  }
}

/** Lets a VM of the cache run under the sandbox' name. */
async function adopt(context: Context, { id, plan, network, journal }: VmRequest, handed: HandedVm): Promise<Up> {
  const { log } = context;
  const files = rename(handed.id, id, journal);
  bringIntoCgroupOf(context, id, [handed.vm.pid, handed.proxy.pid]);
  const url = `unix://${files.proxySocket}`;
  const running = async (): Promise<Up> => {
    await timed(log, 'resume', () => resume(files, plan.accelerator));
    const agent = await connectAgent(url, {});
    await timed(log, 'entropy and clock', () => individualise(agent, guestTimeout(REQUEST_TIMEOUT_MS, plan.accelerator)));
    const networks = plan.networks.map(({ tap, mac }) => ({ tap, mac })); // opened by name
    return { ...handed, url, agent, plan: { ...plan, networks, uuid: handed.uuid } };
  };
  const joined = timed(log, 'join taps', () => adoptNetwork(context, network, journal, handed.netns));
  const [up] = await Promise.all([running(), joined]);
  return up;
}

/** Whatever goes wrong with the cache only makes the start slower. */
async function takeFromCache(context: Context, request: VmRequest): Promise<Up | undefined> {
  const { vm_cache_number: size, vm_cache_endpoint: endpoint } = context.configuration.factory;
  if (size === 0) return undefined;
  const reason = whyNotCloned(request.plan);
  if (reason !== undefined) {
    context.log.info('no VM of the cache is asked for', { reason });
    return undefined;
  }
  const begun = request.journal.entries().length;
  try {
    const handed = await timed(context.log, 'VM cache', () => askForVm(endpoint, keyOf(request.plan)));
    return await adopt(context, request, handed);
  } catch (error) {
    context.log.warn('no VM of the cache can be used', { reason: errorMessage(error) });
    await undoSince(request.journal, begun, context.log);
    await partFromTaps(context, request.network);
    return undefined;
  }
}

/** What was made on the host stands in the journal when this fails. @throws KataError */
export async function bringUpVm(context: Context, request: VmRequest): Promise<Up> {
  return (await takeFromCache(context, request)) ?? (await startNew(context, request));
}

/** Takes a VM of the cache for a sandbox. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Context } from '../../context/context.ts';
import { undoSince } from '../../undo/undo.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import { adoptTaps, detachTaps } from '../../vm/attach-network.ts';
import { firstContainer } from '../../state/sandbox-name.ts';
import { connectAgentOfVm } from '../../vm/connect-agent-of-vm.ts';
import { moveIntoCgroupOf } from '../../vm/container-cgroup.ts';
import type { RunningVm } from '../../vm/start-guest.ts';
import { cloneObstacle } from '../templates/cloneable-plan.ts';
import { reseedClone } from '../templates/reseed-clone.ts';
import { keyOf } from '../templates/template-key.ts';
import type { VmRequest } from '../../vm/vm-request.ts';
import { requestVm } from './request-vm.ts';
import { renameCachedVm, resumeCachedVm } from './cached-vm.ts';
import type { HandedVm } from './handed-vm.ts';

/** Resumes a VM of the cache under the sandbox's name. */
async function adopt(context: Context, { id, plan, network, journal }: VmRequest, handed: HandedVm): Promise<RunningVm> {
  const { trace } = context;
  const files = renameCachedVm(handed.id, id, journal);
  const moved = moveIntoCgroupOf(context, { sandboxId: id, id: firstContainer(id) }, [handed.vm.pid, handed.proxy.pid]);
  const url = `unix://${files.proxySocket}`;
  const running = async (): Promise<RunningVm> => {
    await trace.step('resume', () => resumeCachedVm({ ...files, ...plan, vm: handed.vm }));
    const agent = await connectAgentOfVm({ url, accelerator: plan.accelerator }, { trace });
    await trace.step('entropy and clock', () => reseedClone(agent));
    const networks = plan.networks.map(({ tap, mac }) => ({ tap, mac })); // no macvtaps
    return { ...handed, url, agent, plan: { ...plan, networks, uuid: handed.uuid } };
  };
  const attached = trace.step('attach taps', () => adoptTaps(context, network, new UndoJournal(files.linkJournal), handed.netns));
  const [vm] = await Promise.all([running(), attached, moved]);
  return vm;
}

/** @returns undefined when the cache fails: another way of acquiring a VM is only slower */
export async function takeFromCache(context: Context, request: VmRequest): Promise<RunningVm | undefined> {
  const { vm_cache_number: size, vm_cache_endpoint: endpoint } = context.configuration.factory;
  if (size === 0) return undefined;
  const reason = cloneObstacle(request.plan);
  if (reason !== undefined) {
    context.log.info('the VM cache is not used', { reason });
    return undefined;
  }
  const begun = request.journal.entries().length;
  try {
    const handed = await context.trace.step('VM cache', () => requestVm(endpoint, keyOf(request.plan)));
    return await adopt(context, request, handed);
  } catch (error) {
    context.log.warn('no VM of the cache can be used', { reason: errorMessage(error) });
    await undoSince(request.journal, begun, context);
    await detachTaps(context, request.network);
    return undefined;
  }
}

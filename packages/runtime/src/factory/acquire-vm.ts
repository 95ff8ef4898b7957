/**
 * Acquires a sandbox's VM. The ways, in order: a VM that was started early (EarlyVm) or a VM of the cache, a clone of a template, and a
 * booted VM (both startVm). A way that returns no VM has undone its changes on the host.
 */
import type { Context } from '../context/context.ts';
import { closeAll } from '../processes/end-process.ts';
import { attachLinks } from '../vm/attach-network.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import { makeVmDirectories } from '../vm/vm-directories.ts';
import { adoptCachedVm } from './cache/take-from-cache.ts';
import type { EarlyVm } from '../vm/early-vm.ts';
import { keepLastProfile } from './templates/last-profile.ts';
import { prepareStart, startVm } from './templates/start-vm.ts';
import { UndoJournal } from '../undo/undo-journal.ts';
import type { VmRequest } from '../vm/vm-request.ts';

async function startNew(
  context: Context,
  { plan, files, network, journal, seccomp, forwardsPorts }: VmRequest,
  boots: boolean,
): Promise<RunningVm> {
  const prepared = prepareStart(context, plan);
  let macvtaps: number[] = [];
  try {
    macvtaps = await context.trace.step('attach taps', () => attachLinks(context, network, new UndoJournal(files.linkJournal)));
    await makeVmDirectories(context, files, journal);
    return await startVm(context, { plan, files, netns: network.path, journal, macvtaps, seccomp, forwardsPorts, boots });
  } finally {
    closeAll(macvtaps);
    await prepared;
  }
}

/**
 * @returns the VM, attached to its network and exporting its share. Changes on the host are in the journal, also after an error.
 * @throws KataError
 */
export async function acquireVm(context: Context, request: VmRequest, early?: EarlyVm): Promise<RunningVm> {
  const ready = early ?? adoptCachedVm(context, request);
  const vm = (await ready?.take(request.network)) ?? (await startNew(context, request, ready?.hasFailed ?? false));
  if (request.seccomp) keepLastProfile(context.configuration.factory.template_path, request.seccomp);
  return vm;
}

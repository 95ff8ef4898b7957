/** Prepares the sandbox's network and acquires its VM: one after the other, or with a VM that starts beside the engine's hook. */
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { expectedLinks } from '../bundle/expected-links.ts';
import type { Context } from '../context/context.ts';
import { acquireVm } from '../factory/acquire-vm.ts';
import { CachedVmAdoption } from '../factory/cache/take-from-cache.ts';
import { EarlyClone, networksFor } from '../factory/early-clone.ts';
import type { EarlyCloneRequest } from '../factory/early-clone.ts';
import type { EarlyVm, GuestWork } from '../vm/early-vm.ts';
import { modelBeside } from '../network/macvtap-plan.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import type { VmRequest } from '../vm/vm-request.ts';
import { earlyHooks, runPrestartHooks } from './container-hooks.ts';
import { dnsLines } from './dns-lines.ts';
import { findNamespace, readNetwork } from './sandbox-network.ts';
import type { NetworkNamespace } from './sandbox-network.ts';
import type { SandboxRequest } from './sandbox-request.ts';

interface Needs extends Pick<VmRequest, 'files' | 'seccomp' | 'forwardsPorts'>, Pick<EarlyCloneRequest, 'planFor'> {
  /** Of an early VM. */
  readonly work: GuestWork;
}

/**
 * For a namespace that a single hook will configure: docker's. This process enters the container's cgroups when it starts the clone, and a
 * second hook would start there, too.
 */
function prepareVm(
  context: Context,
  { bundle, journal, sandboxId: id }: SandboxRequest,
  namespace: NetworkNamespace,
  { files, planFor, forwardsPorts, work }: Needs,
): EarlyVm | undefined {
  const hasResolver = namesDockerResolver(dnsLines(bundle.spec));
  const isTcfilter = modelBeside(context.configuration.runtime.internetworking_model, hasResolver) === 'tcfilter';
  const links = expectedLinks(bundle.spec);
  if (!namespace.created || !isTcfilter || links === undefined || earlyHooks(bundle).length !== 1) return undefined;
  const early = links > 0 ? work : undefined; // without links, the container gets sysctls of the namespace
  if (context.configuration.factory.vm_cache_number > 0)
    return CachedVmAdoption.prepare(context, { id, plan: planFor(networksFor(links)), journal, work: early });
  return EarlyClone.prepare(context, { files, journal, netns: namespace.path, links, planFor, forwardsPorts, work: early });
}

/** Changes on the host are in the sandbox's journal, also after an error. @throws KataError */
export async function networkAndVm(
  context: Context,
  request: SandboxRequest,
  needs: Needs,
): Promise<{ readonly network: SandboxNetwork; readonly vm: RunningVm }> {
  const namespace = findNamespace(context, request);
  const early = prepareVm(context, request, namespace, needs);
  try {
    await runPrestartHooks(context, namespace.path, request, early && (() => early.begin()));
    const network = await readNetwork(context, request, namespace);
    const { files, seccomp, forwardsPorts, planFor } = needs;
    const plan = planFor(network.networks);
    const { sandboxId: id, journal } = request;
    return { network, vm: await acquireVm(context, { id, plan, files, network, journal, seccomp, forwardsPorts }, early) };
  } catch (error) {
    await early?.abandon(); // the journal must be complete before it is replayed
    throw error;
  }
}

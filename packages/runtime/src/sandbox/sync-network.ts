/** `kata-network sync`: applies the current links, addresses and routes of the network namespace to a running VM. The first shim calls it. */
import { CLONE_NEWNET } from '@kata-containers/common/kernel/constants';
import type { Spec } from '@kata-containers/common/oci/spec';
import { neighboursRequest, routesRequest } from '../agent/sandbox-requests.ts';
import { scanNetwork } from '../network/join.ts';
import type { NetworkFacts } from '../network/join.ts';
import type { Context } from '../context/context.ts';
import { currentState } from '../state/container-status.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import { loadContainer, loadSandbox, requireContainer, saveSandbox } from '../state/state-store.ts';
import { cgroupContainerOf } from '../state/state.ts';
import type { ContainerRecord, SandboxState } from '../state/state.ts';
import { callGuest } from './call-guest.ts';
import { configureGuestNetwork } from './configure-guest-network.ts';
import { loadSavedBundle } from './saved-bundle.ts';
import { planSync, withoutLinks } from './network-sync-plan.ts';
import type { SyncPlan } from './network-sync-plan.ts';
import { detectResolver } from './detect-resolver.ts';
import { warnOfPolicyRules } from './warn-of-policy-rules.ts';
import { placeOf, plugLink, unplugEndpoint, withNetwork } from './plug-network.ts';

const NOTHING: NetworkFacts = { links: [], routes: [], neighbours: [], taps: [], present: {} };

async function changeDevices(context: Context, id: string, spec: Spec): Promise<{ state: SandboxState; plan: SyncPlan }> {
  return withSandboxLock(id, context.kernel, async () => {
    let state = await detectResolver(context, id, loadSandbox(id), spec);
    const scanned = await scanNetwork(state.Network.NetNsPath, context.kernel);
    warnOfPolicyRules(scanned, context.log, state.Network.GuestNetwork?.leftOutRules);
    const detached = (state.Network.Detached ?? []).filter((name) => scanned.present[name] !== undefined);
    state = withNetwork(state, { Detached: detached });
    saveSandbox(id, state);
    const found = withoutLinks(scanned, detached);
    const plan = planSync(state.Network.Endpoints ?? [], state.Network.GuestNetwork ?? NOTHING, found);
    for (const endpoint of plan.gone) state = await context.trace.step('unplug', () => unplugEndpoint(context, id, state, endpoint));
    for (const link of plan.added) state = await context.trace.step('network device', () => plugLink(context, id, state, link));
    return { state, plan };
  });
}

async function configureGuest(state: SandboxState, { added, changed, hasNewRoutes, hasNewNeighbours, facts }: SyncPlan): Promise<void> {
  const links = [...added, ...changed];
  if (links.length === 0 && !hasNewRoutes && !hasNewNeighbours) return;
  await callGuest(state, async (agent) => {
    await configureGuestNetwork(agent, { links, routes: [], neighbours: [] }, (link) => placeOf(state, link));
    if (hasNewRoutes) await agent.call('updateRoutes', { routes: routesRequest(facts.routes, facts.rules ?? []) });
    if (hasNewNeighbours && facts.neighbours.length > 0)
      await agent.call('addARPNeighbors', { neighbors: neighboursRequest(facts.neighbours) });
  });
}

const isRunning = (record: ContainerRecord | undefined): record is ContainerRecord =>
  record !== undefined && ['running', 'paused'].includes(currentState(record));

/** Only one of the shims that watch a network acts: the shim of the first container, or after its end the shim of the next container. */
function isWatcher(sandboxId: string, id: string): boolean {
  const state = loadSandbox(sandboxId);
  const first = cgroupContainerOf(state);
  return first === id || (state.Joined?.[0] === id && !isRunning(loadContainer(sandboxId, first)));
}

/**
 * Has no effect before `start`, which attaches all links, and after the container's end.
 * @throws ContainerNotFoundError, KataError, QmpError, AgentError
 */
export async function syncNetwork(context: Context, id: string): Promise<void> {
  const { sandboxId, record } = requireContainer(id);
  if (!isRunning(record) || !isWatcher(sandboxId, id)) return;
  // The shim that started this process is in the sandbox's namespace, which must not be mistaken for the host's.
  context.kernel.unshare(CLONE_NEWNET);
  const { state, plan } = await changeDevices(context, sandboxId, loadSavedBundle(sandboxId, id, record).spec);
  await configureGuest(state, plan); // without the lock: no other verb waits for a guest that does not answer
  await withSandboxLock(sandboxId, context.kernel, () => {
    const now = loadSandbox(sandboxId);
    saveSandbox(sandboxId, withNetwork(now, { GuestNetwork: plan.facts })); // another command may have detached links meanwhile
    return Promise.resolve();
  });
}

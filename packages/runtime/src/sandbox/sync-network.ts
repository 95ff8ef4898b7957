/** Applies the current links, addresses and routes of the network namespace to a VM: in `start`, and in `kata-network sync`, which shims call. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
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

/** Calls the function with a connection to the guest. */
type InGuest = (state: SandboxState, use: (agent: AgentConnection) => Promise<void>) => Promise<void>;

async function configureGuest(state: SandboxState, plan: SyncPlan, inGuest: InGuest): Promise<void> {
  const { added, changed, hasNewRoutes, hasNewNeighbours, facts } = plan;
  const links = [...added, ...changed];
  if (links.length === 0 && !hasNewRoutes && !hasNewNeighbours) return;
  await inGuest(state, async (agent) => {
    await configureGuestNetwork(agent, { links, routes: [], neighbours: [] }, (link) => placeOf(state, link));
    if (hasNewRoutes) await agent.call('updateRoutes', { routes: routesRequest(facts.routes, facts.rules ?? []) });
    if (hasNewNeighbours && facts.neighbours.length > 0)
      await agent.call('addARPNeighbors', { neighbors: neighboursRequest(facts.neighbours) });
  });
}

/**
 * Devices of the VM are saved as they change; the guest's configuration is saved when the guest has it, so that the next call completes what
 * a guest has refused. @throws KataError, QmpError, AgentError
 */
async function applyNetwork(context: Context, id: string, spec: Spec, inGuest: InGuest): Promise<void> {
  const { state, plan } = await changeDevices(context, id, spec);
  await configureGuest(state, plan, inGuest); // without the lock: no other verb waits for a guest that does not answer
  await withSandboxLock(id, context.kernel, () => {
    const now = loadSandbox(id);
    saveSandbox(id, withNetwork(now, { GuestNetwork: plan.facts })); // another command may have detached links meanwhile
    return Promise.resolve();
  });
}

/**
 * In `start`: docker from 28 on fills the namespace between `create` and `start`. Has no effect on a guest that has links already. `spec`:
 * the container's. @throws KataError, QmpError, AgentError
 */
export async function plugNewLinks(context: Context, id: string, agent: AgentConnection, spec: Spec): Promise<void> {
  const { Endpoints, GuestNetwork } = loadSandbox(id).Network;
  const hasLinks = Endpoints === undefined || (GuestNetwork?.links.length ?? 0) > 0;
  if (hasLinks || context.configuration.runtime.internetworking_model === 'none') return;
  await context.trace.step('new links', () => applyNetwork(context, id, spec, (_state, use) => use(agent)));
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
  await applyNetwork(context, sandboxId, loadSavedBundle(sandboxId, id, record).spec, callGuest);
}

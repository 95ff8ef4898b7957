/** The sandbox' network namespace: found or made, filled by the engine's hooks, joined to the VM. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { QemuNetwork } from '../hypervisor/qemu/qemu-plan.ts';
import { joinLinks, joinOne, moveTaps, scanNetwork } from '../network/join.ts';
import type { NetworkFacts } from '../network/join.ts';
import { joinByMacvtap } from '../network/macvtap.ts';
import { planNetworks, savedLink } from '../network/macvtap-plan.ts';
import type { SavedLink } from '../network/macvtap-plan.ts';
import { tapName } from '../network/tcfilter-plan.ts';
import { createNetworkNamespace, isOwnNamespace } from '../network/namespace.ts';
import { randomUuid } from '../context/random-uuid.ts';
import type { Context } from '../context/context.ts';
import { runEarlyHooks } from './container-hooks.ts';
import type { SandboxRequest } from './create-sandbox.ts';
import { timed } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { undoAll } from '../undo/undo.ts';

export interface SandboxNetwork {
  readonly path: string;
  /** True when the namespace is ours to remove. */
  readonly created: boolean;
  readonly facts: NetworkFacts;
  readonly networks: readonly QemuNetwork[];
}

const HOST_NETWORK =
  'Host networking requested, not supported by runtime: a VM has a network of its own (use a bridge network and published ports)';

export type NetworkNamespace = Pick<SandboxNetwork, 'path' | 'created'>;

/** The namespace that the spec names, or a new one. @throws KataError for the host's own */
export function findNamespace({ kernel }: Context, { bundle: { spec }, journal }: SandboxRequest): NetworkNamespace {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network');
  if (!namespace) throw new KataError(HOST_NETWORK);
  if (namespace.path !== undefined && namespace.path !== '') {
    if (isOwnNamespace(namespace.path)) throw new KataError(HOST_NETWORK);
    return { path: namespace.path, created: false };
  }
  const path = `/run/netns/cnitest-${randomUuid()}`;
  journal.record({ undo: 'delete-netns', path });
  createNetworkNamespace(path, kernel);
  return { path, created: true };
}

/** Has the namespace filled. Nothing in it is joined to anything yet. @throws KataError when it is another VM's, whose taps would go with our failure */
export async function fillNetwork(context: Context, request: SandboxRequest, { path, created }: NetworkNamespace): Promise<SandboxNetwork> {
  await runEarlyHooks(context, path, request);
  if (context.configuration.runtime.internetworking_model === 'none')
    return { path, created, facts: { links: [], routes: [], neighbours: [], taps: [] }, networks: [] };
  const facts = await timed(context.log, 'read links', () => scanNetwork(path, context.kernel));
  if (!created && facts.taps.length > 0)
    throw new KataError(
      `network namespace ${path} belongs to another VM (${facts.taps.join(', ')}): only containers of one pod share a network`,
    );
  return { path, created, facts, networks: planNetworks(facts.links, context.configuration.runtime.internetworking_model) };
}

function recordUndo({ path, facts: { links }, networks }: SandboxNetwork, saved: readonly SavedLink[], journal: UndoJournal): void {
  if (saved.length > 0) journal.record({ undo: 'restore-links', netns: path, links: saved });
  const taps = networks.map(({ tap }) => tap);
  journal.record({ undo: 'delete-links', netns: path, links: taps, ingress: links.map(({ name }) => name) });
}

/**
 * Joins the namespace's links to new taps.
 * @returns open devices of those that QEMU inherits, in the order of their descriptors in the plan; the caller closes them
 */
export async function joinNetwork(context: Context, network: SandboxNetwork, journal: UndoJournal): Promise<number[]> {
  const { path, created, networks, facts } = network;
  const inherited = facts.links.flatMap((link, index) => {
    const { tap, descriptor } = networks[index] ?? {};
    return tap === undefined || descriptor === undefined ? [] : [{ link, tap }];
  });
  if (!created)
    recordUndo(
      network,
      inherited.map(({ link }) => savedLink(link)),
      journal,
    );
  if (inherited.length === 0) await joinLinks(path, facts.links, 'new', context.kernel);
  else
    for (const [index, link] of facts.links.entries())
      if (networks[index]?.descriptor === undefined) await joinOne(path, link, tapName(index), context.kernel);
  return joinByMacvtap(path, inherited, (entry) => journal.record(entry), context.kernel);
}

/** Joins the links to the taps of a VM that was started in the namespace at `tapsFrom`, by tcfilter: it has them open already. */
export async function adoptNetwork(context: Context, network: SandboxNetwork, journal: UndoJournal, tapsFrom: string): Promise<void> {
  const { path, created, networks } = network;
  if (networks.some(({ descriptor }) => descriptor !== undefined))
    context.log.info('the VM was made before its network: the links are joined by tcfilter, not by macvtap');
  if (!created) recordUndo(network, [], journal);
  await moveTaps(
    tapsFrom,
    path,
    networks.map(({ tap }) => tap),
    context.kernel,
  );
  await joinToOpenTaps(context, network);
}

/** Joins the links to taps that QEMU has open in the namespace already. */
export async function joinToOpenTaps({ kernel }: Context, { path, facts }: SandboxNetwork): Promise<void> {
  await joinLinks(path, facts.links, 'there', kernel);
}

/** As if nothing had been joined: for a VM in place of one that failed. */
export async function partFromTaps({ log }: Context, { path, networks, facts: { links } }: SandboxNetwork): Promise<void> {
  const [taps, ingress] = [networks.map(({ tap }) => tap), links.map(({ name }) => name)];
  const failures = await undoAll([{ undo: 'delete-links', netns: path, links: taps, ingress }]);
  for (const failure of failures) log.warn('the taps of a VM that failed are still there', { failure });
}

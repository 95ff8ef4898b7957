/** Attaches a VM to the links of its sandbox's network namespace, one tap or macvtap for each. */
import type { Context } from '../context/context.ts';
import type { QemuNetwork } from '../hypervisor/qemu/qemu-plan.ts';
import { joinLinks, joinOne, moveTaps } from '../network/join.ts';
import type { NetworkFacts } from '../network/join.ts';
import { joinByMacvtap } from '../network/macvtap.ts';
import { savedLink } from '../network/macvtap-plan.ts';
import { tapName } from '../network/tcfilter-plan.ts';
import { recordLink } from '../undo/link-journal.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { undoOrWarn } from '../undo/undo.ts';

export interface SandboxNetwork {
  /** Of the network namespace. */
  readonly path: string;
  /** True when the runtime created the namespace and removes it. */
  readonly created: boolean;
  readonly facts: NetworkFacts;
  /** True when the container's resolv.conf names docker's resolver, which runs in the namespace. */
  readonly hasResolver: boolean;
  readonly networks: readonly QemuNetwork[];
}

function recordUndo({ path: netns, facts: { links }, networks }: SandboxNetwork, journal: UndoJournal): void {
  for (const [index, link] of links.entries()) {
    const { tap = tapName(index), macvtap } = networks[index] ?? {};
    recordLink(journal, { netns, name: link.name, tap, ...(macvtap && { saved: savedLink(link) }) });
  }
}

/**
 * Attaches the namespace's links to new taps.
 * @returns fds of the macvtaps' devices, in the order of the plan; the caller closes them
 */
export async function attachLinks(context: Context, network: SandboxNetwork, journal: UndoJournal): Promise<number[]> {
  const { path, created, networks, facts, hasResolver } = network;
  const macvtaps = facts.links.flatMap((link, index) => {
    const { tap, macvtap } = networks[index] ?? {};
    return tap !== undefined && macvtap ? [{ link, tap }] : [];
  });
  if (!created) recordUndo(network, journal);
  if (macvtaps.length === 0) await joinLinks(path, facts.links, { taps: 'new', hasResolver }, context.kernel);
  else
    for (const [index, link] of facts.links.entries())
      if (!networks[index]?.macvtap) await joinOne(path, { link, tap: tapName(index) }, hasResolver, context.kernel);
  return joinByMacvtap(path, macvtaps, (entry) => journal.record(entry), context.kernel);
}

/** Attaches the links to the taps of a VM that was started in the namespace at `tapsFrom`. QEMU has taps open, so only tcfilter is possible. */
export async function adoptTaps(context: Context, network: SandboxNetwork, journal: UndoJournal, tapsFrom: string): Promise<void> {
  const { path, created, networks, facts, hasResolver } = network;
  if (networks.some(({ macvtap }) => macvtap))
    context.log.info('the VM was started before its network existed: the links are connected by tcfilter, not by macvtap');
  const withoutMacvtaps = networks.map(({ tap, mac }) => ({ tap, mac }));
  if (!created) recordUndo({ ...network, networks: withoutMacvtaps }, journal);
  await moveTaps(
    tapsFrom,
    path,
    networks.map(({ tap }) => tap),
    context.kernel,
  );
  await joinLinks(path, facts.links, { taps: 'existing', hasResolver }, context.kernel);
}

/** Undoes the attachment of a VM that failed, so that another VM can be attached. */
export async function detachTaps(context: Context, { path, networks, facts: { links } }: SandboxNetwork): Promise<void> {
  const [taps, ingress] = [networks.map(({ tap }) => tap), links.map(({ name }) => name)];
  await undoOrWarn([{ undo: 'delete-links', netns: path, links: taps, ingress }], context, 'the taps of a VM that failed are not removed');
}

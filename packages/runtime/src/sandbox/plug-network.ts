/** Attaches links that are added to a sandbox's network namespace after its VM was started, and detaches them. */
import { closeSync, constants, openSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Interface } from '@kata-containers/common/generated/types';
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import { pciPath } from '../hypervisor/qemu/bridge-place.ts';
import { plugCard, unplugCard } from '../hypervisor/qemu/network-card.ts';
import { TOOL_TIMEOUT_MS } from '../network/ip-command.ts';
import { joinOne, scanNetwork } from '../network/join.ts';
import { joinByMacvtap } from '../network/macvtap.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { isMacvtap, modelBeside, savedLink } from '../network/macvtap-plan.ts';
import type { Link } from '../network/parse-links.ts';
import { tapName } from '../network/tcfilter-plan.ts';
import { deleteLinks, restoreLinks } from '../network/teardown.ts';
import { freeSlot, lowestFree } from './bridge-slot-plan.ts';
import { unplugTimeout } from '../context/context.ts';
import type { Context } from '../context/context.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { Endpoint, SandboxState } from '../state/state.ts';
import { loadSandbox, saveSandbox } from '../state/state-store.ts';
import { withMonitor } from '../vm/with-monitor.ts';
import { dropLink, recordLink } from '../undo/link-journal.ts';
import { UndoJournal } from '../undo/undo-journal.ts';

const endpoints = ({ Network }: SandboxState): readonly Endpoint[] => Network.Endpoints ?? [];
/** The state with changes of its network. */
export const withNetwork = (state: SandboxState, changes: Partial<SandboxState['Network']>): SandboxState => ({
  ...state,
  Network: { ...state.Network, ...changes },
});

function planEndpoint(state: SandboxState, link: Link, model: string): Endpoint {
  const index = lowestFree(0, (number) => endpoints(state).some(({ Tap }) => Tap === tapName(number)));
  const saved = isMacvtap(model, link) && { Saved: savedLink(link) };
  return { Name: link.name, HardAddr: link.mac, Tap: tapName(index), NetDev: `br${index}_kata`, Slot: freeSlot(state), ...saved };
}

const linkJournal = (sandboxId: string): UndoJournal => new UndoJournal(sandboxPaths(sandboxId).linkJournal);

/** Removes a link's tap, and restores the link. */
async function detach(sandboxId: string, netns: string, { Tap, Name, Saved }: Endpoint, kernel: Kernel): Promise<void> {
  await deleteLinks({ netns, links: [Tap], ingress: [Name] }, kernel, TOOL_TIMEOUT_MS);
  if (Saved) await restoreLinks({ netns, links: [Saved] }, kernel, TOOL_TIMEOUT_MS);
  dropLink(linkJournal(sandboxId), { tap: Tap, name: Name });
}

interface NewEndpoint {
  readonly sandboxId: string;
  readonly network: SandboxState['Network'];
  readonly endpoint: Endpoint;
  readonly link: Link;
}

/** Makes the tap of `endpoint`. @returns its fd, or that of a macvtap's device */
async function attach({ sandboxId, network, endpoint, link }: NewEndpoint, kernel: Kernel): Promise<number> {
  const { NetNsPath: netns, HasResolver: hasResolver = false } = network;
  const journal = linkJournal(sandboxId);
  const { Saved: saved, Tap: tap } = endpoint;
  recordLink(journal, { netns, name: link.name, tap, ...(saved && { saved }) });
  const [macvtap] = saved ? await joinByMacvtap(netns, [{ link, tap }], (entry) => journal.record(entry), kernel) : [];
  if (macvtap !== undefined) return macvtap;
  await joinOne(netns, { link, tap }, hasResolver, kernel);
  return inNetworkNamespace(netns, kernel, () => kernel.openTap(tap));
}

/** undefined on a host without vhost-net, or when the configuration does not want it. */
function openVhost({ disable_vhost_net: isUnwanted }: HypervisorConfiguration): number | undefined {
  try {
    return isUnwanted ? undefined : openSync('/dev/vhost-net', constants.O_RDWR);
  } catch {
    return undefined; // a node without its module, too
  }
}

/** Connects a link to a new device of the VM. Leaves nothing on the host when it fails. */
export async function plugLink(context: Context, id: string, state: SandboxState, link: Link): Promise<SandboxState> {
  const { configuration, kernel } = context;
  const { NetNsPath } = state.Network;
  const endpoint = planEndpoint(state, link, modelBeside(configuration.runtime.internetworking_model, state.Network.HasResolver === true));
  const { NetDev: netdev, Slot: slot } = endpoint;
  const opened: number[] = [];
  try {
    const tap = await attach({ sandboxId: id, network: state.Network, endpoint, link }, kernel);
    opened.push(tap);
    const vhost = openVhost(configuration.hypervisor);
    if (vhost !== undefined) opened.push(vhost);
    const card = { netdev, tap, mac: link.mac, slot, ...(vhost !== undefined && { vhost }) };
    await withMonitor(id, state, (monitor) => plugCard(monitor, card, kernel));
  } catch (error) {
    await detach(id, NetNsPath, endpoint, context.kernel).catch(() => {}); // the first error is reported
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  const plugged = withNetwork(state, { Endpoints: [...endpoints(state), endpoint] });
  saveSandbox(id, plugged);
  return plugged;
}

/** PCI path of the link's network device; empty for a device that the VM was started with. Two links may have the same MAC address. */
export function placeOf(state: SandboxState, { name }: Pick<Link, 'name'>): string {
  const slot = endpoints(state).find(({ Name }) => Name === name)?.Slot ?? 0;
  return slot === 0 ? '' : pciPath(slot);
}

/** Where the guest finds a link, and how to detach the link again if the command has attached it. */
interface PluggedLink {
  readonly pciPath: string;
  readonly mac: string;
  readonly undo?: () => Promise<void>;
}

/** Attaches the namespace's link of that name, unless the VM has it. @returns undefined if the name is unknown */
export async function plugNamed(
  context: Context,
  id: string,
  { device, hwAddr }: Pick<Interface, 'device' | 'hwAddr'>,
): Promise<PluggedLink | undefined> {
  return withSandboxLock(id, context.kernel, async () => {
    const state = loadSandbox(id);
    const known = endpoints(state).find(({ Name }) => Name === device);
    if (known)
      return known.HardAddr === hwAddr.toLowerCase() ? { pciPath: placeOf(state, { name: device }), mac: known.HardAddr } : undefined;
    const { links } = await scanNetwork(state.Network.NetNsPath, context.kernel);
    const link = links.find(({ name }) => name === device);
    if (!link) return undefined;
    const { Detached = [] } = state.Network;
    const plugged = await plugLink(context, id, withNetwork(state, { Detached: Detached.filter((name) => name !== device) }), link);
    const undo = (): Promise<void> => unplugAgain(context, id, { name: device, Detached });
    return { pciPath: placeOf(plugged, link), mac: link.mac, undo };
  });
}

/** Takes a device from the VM, and its tap from the link if that still exists. @throws QmpError, TimeoutError */
export async function unplugEndpoint(context: Context, id: string, state: SandboxState, gone: Endpoint): Promise<SandboxState> {
  const timeoutMs = unplugTimeout(state.HypervisorState.Accelerator);
  await withMonitor(id, state, (monitor) => unplugCard(monitor, gone.NetDev, timeoutMs));
  await detach(id, state.Network.NetNsPath, gone, context.kernel);
  const unplugged = withNetwork(state, { Endpoints: endpoints(state).filter(({ NetDev }) => NetDev !== gone.NetDev) });
  saveSandbox(id, unplugged);
  return unplugged;
}

/** Undoes `plugNamed`, with the detached links from before. Does nothing if another command has detached the link. */
async function unplugAgain(context: Context, id: string, before: { name: string; Detached: readonly string[] }): Promise<void> {
  await withSandboxLock(id, context.kernel, async () => {
    const state = loadSandbox(id);
    const endpoint = endpoints(state).find(({ Name }) => Name === before.name);
    if (endpoint) await unplugEndpoint(context, id, withNetwork(state, { Detached: before.Detached }), endpoint);
  });
}

/** Detaches the device with that name, or without such a device the one with that address, from the VM. @throws KataError for a missing device, QmpError, TimeoutError */
export async function unplugInterface(
  context: Context,
  id: string,
  { device, hwAddr }: Pick<Interface, 'device' | 'hwAddr'>,
): Promise<void> {
  await withSandboxLock(id, context.kernel, async () => {
    const state = loadSandbox(id);
    const all = endpoints(state);
    const gone = all.find(({ Name }) => Name === device) ?? all.find(({ HardAddr }) => HardAddr === hwAddr.toLowerCase());
    if (!gone) throw new KataError(`the VM has no interface ${device || hwAddr}`);
    const { Detached = [] } = state.Network;
    await unplugEndpoint(context, id, withNetwork(state, { Detached: [...Detached, gone.Name] }), gone);
  });
}

/** Slots on the bridge, which network devices and disks share. Pure. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import { LAST_SLOT } from '../hypervisor/qemu/bridge-place.ts';
import type { SandboxState } from '../state/state.ts';

export function lowestFree(from: number, isTaken: (number: number) => boolean): number {
  let number = from;
  while (isTaken(number)) number++;
  return number;
}

/** @throws KataError (1.x's text) */
export function freeSlot({ Network, Devices = [] }: Pick<SandboxState, 'Network' | 'Devices'>): number {
  const taken = [...(Network.Endpoints ?? []), ...Devices].map(({ Slot }) => Slot);
  const slot = lowestFree(1, (number) => taken.includes(number));
  if (slot > LAST_SLOT) throw new KataError('no more bridge slots available');
  return slot;
}

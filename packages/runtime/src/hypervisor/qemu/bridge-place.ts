/** Slots of the first PCI bridge, for hot-plugged devices. */

/** The last slot, as in 1.x; the first slot is 1. */
export const LAST_SLOT = 30;

const hex = (slot: number): string => slot.toString(16).padStart(2, '0');

/** The device's address for the agent: the bridge's slot on the root bus, and the device's slot on the bridge. */
export const pciPath = (slot: number): string => `02/${hex(slot)}`;

/** The device's address for `device_add`. */
export const onBridge = (slot: number): { bus: string; addr: string } => ({ bus: 'pci-bridge-0', addr: hex(slot) });

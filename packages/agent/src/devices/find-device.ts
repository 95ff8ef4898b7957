/** Finds a device in sysfs by the address that the runtime sends. */
import { existsSync, readFileSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';

/** The guest's file systems; tests pass other directories. */
export interface DeviceRoots {
  readonly sys: string;
  readonly dev: string;
}

export const guestRoots: DeviceRoots = { sys: '/sys', dev: '/dev' };

/** A device to wait for. */
export interface DeviceQuery {
  /** Its address, for the error. */
  readonly name: string;
  /** The path of the device node once device and node exist. */
  readonly find: () => string | undefined;
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The node of the first block device in one of these directories. */
function blockNode(directories: readonly string[], { dev }: DeviceRoots): string | undefined {
  const nodes = directories.flatMap((directory) => entries(`${directory}/block`)).map((name) => `${dev}/${name}`);
  return nodes.find((node) => existsSync(node));
}

/** Makes the kernel rescan its PCI buses. A guest without PCI has no such file. */
export function rescanPci({ sys }: DeviceRoots = guestRoots): void {
  try {
    writeFileSync(`${sys}/bus/pci/rescan`, '1');
  } catch {
    // the device is hot-plugged, or the wait for it times out
  }
}

/** The virtio devices of a PCI card. */
interface VirtioCard {
  readonly name: string;
  /** Their directories; empty until the guest has found the card. */
  readonly directories: () => string[];
}

/** `bb/ss`: slot of a bridge on the root bus, slot behind that bridge (1.x's PCI path). @throws Error */
function virtioCard(path: string, roots: DeviceRoots): VirtioCard {
  const [, bridge, slot] = /^([0-9a-f]{2})\/([0-9a-f]{2})$/.exec(path) ?? [];
  if (bridge === undefined || slot === undefined)
    throw new Error(`PCI Identifier for device should be of format [bridgeAddr/deviceAddr], got ${path}`);
  const bridgeAddress = `0000:00:${bridge}.0`;
  const devices = `${roots.sys}/bus/pci/devices`;
  const [bus, ...others] = entries(`${devices}/${bridgeAddress}/pci_bus`);
  if (bus === undefined || others.length > 0)
    throw new Error(`Expected an entry for bus of ${bridgeAddress}, got ${bus === undefined ? 0 : others.length + 1} entries instead`);
  const address = `${bus}:${slot}.0`;
  rescanPci(roots);
  const card = `${devices}/${address}`;
  const directories = (): string[] =>
    entries(card)
      .filter((name) => name.startsWith('virtio'))
      .map((name) => `${card}/${name}`);
  return { name: `${bridgeAddress}/${address}`, directories };
}

/** The block device of the card with that PCI path. @throws Error */
export function pciDevice(path: string, roots: DeviceRoots): DeviceQuery {
  const { name, directories } = virtioCard(path, roots);
  return { name, find: () => blockNode(directories(), roots) };
}

/** @returns a function that returns the names of the network devices of the card with that PCI path. @throws Error */
export function pciLinks(path: string, roots: DeviceRoots = guestRoots): () => string[] {
  const { directories } = virtioCard(path, roots);
  return () => directories().flatMap((directory) => entries(`${directory}/net`));
}

/** `id:lun` on the only channel of the only SCSI host. The guest's kernel does not scan it without a request. */
export function scsiDevice(address: string, roots: DeviceRoots): DeviceQuery {
  const [, id, lun] = /^(\d+):(\d+)$/.exec(address) ?? [];
  if (id === undefined || lun === undefined)
    throw new GrpcError(status.INTERNAL, `Unexpected format for SCSI Address : ${address}, expect SCSIID:LUN`);
  const hosts = `${roots.sys}/class/scsi_host`;
  for (const host of entries(hosts)) writeFileSync(`${hosts}/${host}/scan`, `0 ${id} ${lun}`);
  const find = (): string | undefined => blockNode([`${roots.sys}/bus/scsi/devices/0:0:${id}:${lun}`], roots);
  return { name: `0:0:${id}:${lun}/block`, find };
}

/** A node that appears without a scan: /dev/pmem1. */
export function namedDevice(path: string, roots: DeviceRoots): DeviceQuery {
  const [, name] = /^\/dev\/([A-Za-z0-9]+)$/.exec(path) ?? [];
  if (name === undefined) throw new Error(`invalid device ${path}`);
  const node = `${roots.dev}/${name}`;
  return { name: `/block/${name}`, find: () => (existsSync(node) ? node : undefined) };
}

/** Guest physical address of the NVDIMM of a block device, read from its region (Linux, Documentation/ABI/testing/sysfs-bus-nvdimm). */
function memoryAddress(device: string): bigint | undefined {
  try {
    const [, region] = /^(.*\/region\d+)\//.exec(realpathSync(device)) ?? [];
    return region === undefined ? undefined : BigInt(readFileSync(`${region}/resource`, 'latin1').trim());
  } catch {
    return undefined; // it is being removed or added
  }
}

/** Finds the NVDIMM at that guest physical address. Its number does not matter. */
export function memoryDevice(address: bigint, { sys, dev }: DeviceRoots): DeviceQuery {
  const isIt = (name: string): boolean => name.startsWith('pmem') && memoryAddress(`${sys}/block/${name}`) === address;
  const find = (): string | undefined => {
    const node = entries(`${sys}/block`).find(isIt);
    return node !== undefined && existsSync(`${dev}/${node}`) ? `${dev}/${node}` : undefined;
  };
  return { name: `/block/pmem at 0x${address.toString(16)}`, find };
}

/** @throws Error when the path does not exist or is not a device */
export function numberOfNode(path: string): DeviceNumber {
  const stat = statSync(path);
  if (!stat.isBlockDevice() && !stat.isCharacterDevice()) throw new Error(`invalid device ${path}`);
  return unpackDevice(stat.rdev);
}

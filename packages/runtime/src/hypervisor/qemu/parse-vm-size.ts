/** QEMU's replies about CPUs and memory devices (QEMU, qapi/machine.json). Pure. */

export interface CpuSlot {
  /** Name of the device type. */
  readonly type: string;
  /** Position of the CPU: socket, core, thread and die. */
  readonly place: Readonly<Record<string, number>>;
  /** State of the slot: empty, a CPU that the VM was started with, or a hot-plugged one, by its id. */
  readonly state: 'empty' | 'built-in' | { readonly id: string };
}

interface CpuRow {
  readonly type?: string;
  readonly props?: Readonly<Record<string, number>>;
  readonly 'qom-path'?: string;
}

const PLACES = ['socket-id', 'die-id', 'cluster-id', 'core-id', 'thread-id'];
/** Hot-plugged devices, by id. */
const PERIPHERAL = '/machine/peripheral/';

function stateOf(path: string | undefined): CpuSlot['state'] {
  if (path === undefined) return 'empty';
  return path.startsWith(PERIPHERAL) ? { id: path.slice(PERIPHERAL.length) } : 'built-in';
}

/** Parses the reply to `query-hotpluggable-cpus`, and keeps its order. */
export function parseCpuSlots(reply: unknown): CpuSlot[] {
  return (reply as readonly CpuRow[]).map(({ type = '', props = {}, 'qom-path': path }) => ({
    type,
    place: Object.fromEntries(Object.entries(props).filter(([key]) => PLACES.includes(key))),
    state: stateOf(path),
  }));
}

export interface DimmSlot {
  readonly slot: number;
  readonly bytes: number;
  /** False for an NVDIMM. */
  readonly isMemory: boolean;
}

interface DimmRow {
  readonly type?: string;
  readonly data?: { readonly slot?: number; readonly size?: number };
}

/** Parses the reply to `query-memory-devices`. */
export function parseDimmSlots(reply: unknown): DimmSlot[] {
  return (reply as readonly DimmRow[]).map(({ type, data }) => ({
    slot: data?.slot ?? 0,
    bytes: data?.size ?? 0,
    isMemory: type === 'dimm',
  }));
}

/** Returns the lowest unused id `cpu-N`. */
export function freeCpuId(cpus: readonly CpuSlot[]): string {
  const taken = new Set(cpus.flatMap(({ state }) => (typeof state === 'object' ? [state.id] : [])));
  let number = 0;
  while (taken.has(`cpu-${number}`)) number++;
  return `cpu-${number}`;
}

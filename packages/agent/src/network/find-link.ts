/** Finds a network device in sysfs by its PCI path, its hardware address and the name that it got. Two devices may have the same address. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';
import type { Interface } from '@kata-containers/common/generated/types';
import { GrpcError } from '../errors/grpc-error.ts';

const LINKS = '/sys/class/net';
/** Interval of searches for a device that is being hot-plugged. */
const LOOK_MS = 20;

type Wanted = Pick<Interface, 'hwAddr' | 'name' | 'device'>;

interface FoundLink {
  readonly name: string;
  readonly index: number;
  readonly address: string;
}

function read(name: string, attribute: string, directory: string): string {
  try {
    return readFileSync(`${directory}/${name}/${attribute}`, 'latin1').trim();
  } catch {
    return ''; // not every entry is a device
  }
}

const isSpare = ({ address }: Pick<FoundLink, 'address'>): boolean => address.startsWith(spareLinkPrefix);

/** Remembers the names that requests gave to devices, by index. */
export class LinkSearch {
  readonly #names = new Map<number, string>();
  readonly #directory: string;

  constructor(directory = LINKS) {
    this.#directory = directory;
  }

  /**
   * `atPath` returns the names of the devices at the PCI path of the request; it is undefined for a request without a path. Without a path,
   * the device with the address that an earlier request gave this name, then the first device with the address that no request has named,
   * then the template's first spare device, then the first device with the address.
   */
  find({ hwAddr, name, device }: Wanted, atPath?: () => readonly string[]): string | undefined {
    const links = this.#links();
    const matching = links.filter(({ address }) => address === hwAddr.toLowerCase());
    if (atPath) return matching.find((link) => atPath().includes(link.name))?.name;
    const given = ({ index }: FoundLink): string | undefined => this.#names.get(index);
    const isOwn = (link: FoundLink): boolean => [name, device].includes(given(link) ?? '');
    const own = matching.find((link) => given(link) !== undefined && isOwn(link)) ?? matching.find((link) => given(link) === undefined);
    const [spare] = links.filter(isSpare).sort((a, b) => (a.address < b.address ? -1 : 1));
    return (own ?? spare ?? matching[0])?.name;
  }

  /** @throws GrpcError when no such device appears in time */
  async wait(wanted: Wanted, timeoutMs: number, atPath?: () => readonly string[]): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const name = this.find(wanted, atPath);
      if (name !== undefined) return name;
      if (performance.now() > deadline)
        throw new GrpcError(status.INTERNAL, `no network device with address ${wanted.hwAddr} within ${timeoutMs / 1000} s`);
      await sleep(LOOK_MS);
    }
  }

  /** Notes that the device which now has this name was configured. A device that was made spare again has no name. */
  configured(name: string): void {
    const link = this.#links().find((candidate) => candidate.name === name);
    if (link && !isSpare(link)) this.#names.set(link.index, name);
    else if (link) this.#names.delete(link.index);
  }

  /** In the order of their indices: that of the cards of a VM. */
  #links(): FoundLink[] {
    const directory = this.#directory;
    const links = readdirSync(directory).map((name) => ({
      name,
      index: Number(read(name, 'ifindex', directory)),
      address: read(name, 'address', directory).toLowerCase(),
    }));
    return links.sort((a, b) => a.index - b.index);
  }
}

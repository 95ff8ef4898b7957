/** Finds a network device in sysfs by its hardware address. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';
import { GrpcError } from '../errors/grpc-error.ts';

const LINKS = '/sys/class/net';
/** Interval and number of searches for a device that is being hot-plugged. */
const LOOK_MS = 20;

function addressOf(name: string, directory: string): string {
  try {
    return readFileSync(`${directory}/${name}/address`, 'latin1').trim().toLowerCase();
  } catch {
    return ''; // not every entry is a device
  }
}

/** The device with the address, otherwise the template's first spare device. */
export function findLink(mac: string, directory = LINKS): string | undefined {
  const links = readdirSync(directory).map((name) => ({ name, address: addressOf(name, directory) }));
  const [spare] = links.filter(({ address }) => address.startsWith(spareLinkPrefix)).sort((a, b) => (a.address < b.address ? -1 : 1));
  return (links.find(({ address }) => address === mac.toLowerCase()) ?? spare)?.name;
}

/** @throws GrpcError when neither a device with that address nor a spare device appears in time */
export async function waitForLink(mac: string, timeoutMs: number, directory = LINKS): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const name = findLink(mac, directory);
    if (name !== undefined) return name;
    if (performance.now() > deadline)
      throw new GrpcError(status.INTERNAL, `no network device with address ${mac} within ${timeoutMs / 1000} s`);
    await sleep(LOOK_MS);
  }
}

/** Finding a network device by its hardware address, in sysfs. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../service/grpc-error.ts';

const LINKS = '/sys/class/net';
/** How often a device that is being plugged is looked for. */
const LOOK_MS = 20;

export function findLink(mac: string, directory = LINKS): string | undefined {
  return readdirSync(directory).find((name) => {
    try {
      return readFileSync(`${directory}/${name}/address`, 'latin1').trim().toLowerCase() === mac.toLowerCase();
    } catch {
      return false; // not every entry is a device
    }
  });
}

/** @throws GrpcError when no device with that address appears in time */
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

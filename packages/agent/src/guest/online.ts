/** Brings hot-plugged CPUs and memory online, through sysfs. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';

const CPUS = '/sys/devices/system/cpu';
const MEMORY = '/sys/devices/system/memory';
/** 1.x's number of attempts and interval for CPUs that QEMU has plugged and the kernel has not seen yet. */
const TRIES = 100;
const TRY_MS = 100;

/** Brings everything below `directory` online. @returns the number of those that were offline */
function turnOn(directory: string, pattern: RegExp, most: number): number {
  let count = 0;
  for (const name of readdirSync(directory).filter((entry) => pattern.test(entry))) {
    const switchFile = `${directory}/${name}/online`;
    try {
      if (count >= most || readFileSync(switchFile, 'latin1').trim() !== '0') continue;
      writeFileSync(switchFile, '1');
      count++;
    } catch {
      // cpu0 has no such file, and a memory block may be being removed
    }
  }
  return count;
}

/** @throws TimeoutError when fewer than `count` appear */
export async function onlineCpus(count: number): Promise<void> {
  let online = 0;
  for (let attempt = 0; online < count; attempt++) {
    online += turnOn(CPUS, /^cpu\d+$/, count - online);
    if (online >= count) return;
    if (attempt >= TRIES) throw new TimeoutError(`${count} CPUs (${online} appeared)`, TRIES * TRY_MS);
    await sleep(TRY_MS);
  }
}

/** The guest's list of CPUs in use: `0-1`. */
export const readOnlineCpus = (): string => readFileSync(`${CPUS}/online`, 'latin1').trim();

export function onlineMemory(): void {
  turnOn(MEMORY, /^memory\d+$/, Number.POSITIVE_INFINITY);
}

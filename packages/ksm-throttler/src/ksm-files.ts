/** /sys/kernel/mm/ksm (Linux, Documentation/admin-guide/mm/ksm.rst). */
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { pagesToScan } from './schedule-plan.ts';
import type { Setting } from './schedule-plan.ts';

export interface KsmValues {
  readonly run: string;
  readonly pages_to_scan: string;
  readonly sleep_millisecs: string;
}

const names = ['run', 'pages_to_scan', 'sleep_millisecs'] as const;
const PAGE_BYTES = 4096;

export class KsmFiles {
  readonly #directory: string;
  readonly #meminfo: string;

  /** @throws KataError when this kernel has no KSM, or we may not set it */
  constructor(directory: string, meminfo = '/proc/meminfo') {
    this.#directory = directory;
    this.#meminfo = meminfo;
    for (const name of names) {
      try {
        accessSync(join(directory, name), constants.R_OK | constants.W_OK);
      } catch (error) {
        throw new KataError(`KSM is unavailable: ${join(directory, name)} cannot be written`, { cause: error });
      }
    }
  }

  read(): KsmValues {
    const [run = '', pages_to_scan = '', sleep_millisecs = ''] = names.map((name) =>
      readFileSync(join(this.#directory, name), 'latin1').trim(),
    );
    return { run, pages_to_scan, sleep_millisecs };
  }

  /** Merging stands still while its numbers change, as 1.x has it. */
  write(values: KsmValues): void {
    this.#set('run', '0');
    this.#set('pages_to_scan', values.pages_to_scan);
    this.#set('sleep_millisecs', values.sleep_millisecs);
    if (values.run !== '0') this.#set('run', values.run);
  }

  tune({ divisor, sleepMs }: Setting): void {
    const anonKiB = Number(/^AnonPages:\s+(\d+)/m.exec(readFileSync(this.#meminfo, 'latin1'))?.[1] ?? 0);
    this.write({ run: '1', pages_to_scan: String(pagesToScan(anonKiB, PAGE_BYTES, divisor)), sleep_millisecs: String(sleepMs) });
  }

  #set(name: (typeof names)[number], value: string): void {
    writeFileSync(join(this.#directory, name), value);
  }
}

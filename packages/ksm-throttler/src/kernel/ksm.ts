/** Kernel samepage merging as the throttler sees it. */
import type { Gain } from '../schedule/gain-plan.ts';
import type { ScanRate } from '../schedule/schedule-plan.ts';
import type { Attributes } from './attributes.ts';
import { anonKiB, tunedValues, writesBetween } from './tuning-plan.ts';
import type { KsmValues } from './tuning-plan.ts';

/** Attributes of every kernel with KSM, whatever its version. */
export const requiredNames = ['run', 'pages_to_scan', 'sleep_millisecs'] as const;
const PAGE_BYTES = 4096;

/** The result of merging. */
export interface MergeCounters {
  /** Shared pages that remain. */
  readonly kept: number;
  /** Pages that were saved, including pages of zeros. */
  readonly saved: number;
  /** The kernel's own value, net of its bookkeeping: Linux 6.4 and later. */
  readonly profitBytes: number | undefined;
  readonly fullScans: number;
}

export class Ksm {
  readonly #attributes: Attributes;
  readonly #meminfo: () => string;

  /** `meminfo` reads /proc/meminfo. */
  constructor(attributes: Attributes, meminfo: () => string) {
    this.#attributes = attributes;
    this.#meminfo = meminfo;
  }

  values(): KsmValues {
    const [run = '', pages_to_scan = '', sleep_millisecs = ''] = requiredNames.map((name) => this.#attributes.read(name));
    const advisor = this.#attributes.read('advisor_mode'); // "[none] scan-time"
    const values = { run, pages_to_scan, sleep_millisecs };
    return advisor === undefined ? values : { ...values, advisor_mode: /\[(.*?)\]/.exec(advisor)?.[1] ?? advisor };
  }

  /** Sets the kernel's values for `setting` and the current amount of memory. @throws KataError */
  tune(setting: ScanRate): void {
    const values = this.values();
    this.#change(values, tunedValues(setting, anonKiB(this.#meminfo()), values));
  }

  /** @throws KataError */
  restore(values: KsmValues): void {
    this.#change(this.values(), values);
  }

  merged(): MergeCounters {
    const number = (name: string): number => Number(this.#attributes.read(name) ?? 0);
    const profit = this.#attributes.read('general_profit');
    return {
      kept: number('pages_shared'),
      saved: number('pages_sharing') + number('ksm_zero_pages'),
      profitBytes: profit === undefined ? undefined : Number(profit),
      fullScans: number('full_scans'),
    };
  }

  gain(): Gain {
    const merged = this.merged();
    return { fullScans: merged.fullScans, savedBytes: savedBytes(merged) };
  }

  #change(from: KsmValues, to: KsmValues): void {
    for (const [name, value] of writesBetween(from, to)) this.#attributes.write(name, value);
  }
}

/** Net of the bookkeeping, where the kernel reports that. */
export const savedBytes = ({ saved, profitBytes }: MergeCounters): number => profitBytes ?? saved * PAGE_BYTES;

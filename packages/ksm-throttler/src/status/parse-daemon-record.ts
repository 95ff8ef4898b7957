/** The record of a daemon for `-status` and for the next daemon. Pure. */
import type { KsmValues } from '../kernel/tuning-plan.ts';
import type { Mode } from '../schedule/schedule-plan.ts';

export interface DaemonRecord {
  /** The host's own values. */
  readonly initial: KsmValues;
  readonly pid: number;
  /** Clock ticks after boot: together with the pid it identifies one process. */
  readonly startTime: string;
  readonly mode: Mode;
  /** The mode after this one, and when it begins (RFC 3339). */
  readonly next?: Mode;
  readonly endsAt?: string;
  /** Counters at the last kick. */
  readonly atKick?: { readonly savedBytes: number; readonly ksmdSeconds: number };
}

const isNumber = (text: unknown): boolean => typeof text === 'string' && /^\d{1,10}$/.test(text);
const isAdvisor = (text: unknown): boolean => text === undefined || (typeof text === 'string' && /^[a-z-]{1,32}$/.test(text));

/** The record in `text`; undefined when it is not valid: its values are written to the kernel. */
export function parseDaemonRecord(text: string): DaemonRecord | undefined {
  let record: Partial<DaemonRecord> | null;
  try {
    record = JSON.parse(text) as Partial<DaemonRecord> | null;
  } catch {
    return undefined;
  }
  const { run, pages_to_scan, sleep_millisecs, advisor_mode } = record?.initial ?? {};
  const isSound = [run, pages_to_scan, sleep_millisecs].every(isNumber) && isAdvisor(advisor_mode);
  return isSound && Number.isInteger(record?.pid) ? (record as DaemonRecord) : undefined;
}

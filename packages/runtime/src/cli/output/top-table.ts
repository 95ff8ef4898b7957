/** The table of `kata-top`, from two samples, or from one without rates. Pure. 80 columns show the beginning of each name. */
import type { SandboxUsage, UsageSample } from '../../sandbox/sandbox-usage.ts';

export interface SandboxRates extends SandboxUsage {
  /** Per cent of one CPU: all of the sandbox on the host, and its containers in the guest. */
  readonly hostCpuPercent: number;
  readonly guestCpuPercent?: number;
  readonly diskBytesPerSecond: number;
  readonly networkBytesPerSecond?: number;
}

/** A sandbox with its rates, which one sample alone does not have. */
export type TopRow = SandboxUsage & Partial<SandboxRates>;

/** Counters restart with a new VM: a rate is never negative. */
const rate = (now: number, before: number, elapsedMs: number): number => Math.max(0, now - before) / elapsedMs;

/** Sandboxes of the second sample; the rates of a new sandbox are 0. */
export function ratesOf(before: UsageSample, now: UsageSample): SandboxRates[] {
  const elapsedMs = Math.max(1, now.timeMs - before.timeMs);
  return now.sandboxes.map((usage) => {
    const earlier = before.sandboxes.find(({ id }) => id === usage.id) ?? usage;
    const onHost = {
      ...usage,
      hostCpuPercent: rate(usage.hostCpuMs, earlier.hostCpuMs, elapsedMs) * 100,
      diskBytesPerSecond: rate(usage.hostDiskBytes, earlier.hostDiskBytes, elapsedMs) * 1000,
    };
    const [guest, past] = [usage.guest, earlier.guest ?? usage.guest];
    if (!guest || !past) return onHost;
    return {
      ...onHost,
      guestCpuPercent: rate(guest.cpuMs, past.cpuMs, elapsedMs) * 100,
      networkBytesPerSecond: rate(guest.networkBytes, past.networkBytes, elapsedMs) * 1000,
    };
  });
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Three digits at the most: `0`, `512`, `1.5K`, `175M`. */
export function sizeText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${UNITS[power]}`;
}

const STEPS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

function ageText(seconds: number): string {
  const [unit, length] = STEPS.find(([, each]) => seconds >= each) ?? ['s', 1];
  return `${Math.max(0, Math.floor(seconds / length))}${unit}`;
}

/** Number of digits of an id that docker prints. */
const ID_WIDTH = 12;
const COLUMNS: [name: string, width: number][] = [
  ['ID', -ID_WIDTH],
  ['AGE', 5],
  ['CTRS', 5],
  ['VCPU', 5],
  ['CPU%', 6],
  ['GUEST%', 7],
  ['MEM', 6],
  ['GUEST', 6],
  ['DISK/s', 7],
  ['NET/s', 6],
  ['OOM', 4],
];

/** The name is the last column, so that it takes the rest of the line. */
function line(cells: readonly string[], name: string, width: number): string {
  const padded = cells.map((cell, column) =>
    (COLUMNS[column]?.[1] ?? 0) < 0 ? cell.padEnd(ID_WIDTH) : cell.padStart(COLUMNS[column]?.[1] ?? 0),
  );
  const whole = `${padded.join('')} ${name}`;
  return whole.length <= width ? whole.trimEnd() : `${whole.slice(0, width - 1)}+`;
}

function cellsOf(usage: TopRow, nowMs: number): string[] {
  const optional = (value: number | undefined, text: (value: number) => string): string => (value === undefined ? '-' : text(value));
  const percent = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  return [
    ...[usage.id.slice(0, ID_WIDTH), usage.isRunning ? ageText((nowMs - usage.startedMs) / 1000) : 'dead'],
    ...[String(usage.containers), String(usage.vcpus)],
    ...[optional(usage.hostCpuPercent, percent), optional(usage.guestCpuPercent, percent)],
    ...[sizeText(usage.hostMemoryBytes), optional(usage.guest?.memoryBytes, sizeText)],
    ...[optional(usage.diskBytesPerSecond, sizeText), optional(usage.networkBytesPerSecond, sizeText), String(usage.oomKills)],
  ];
}

/** The busiest sandbox first. `nowMs` in milliseconds since 1970; a line that is longer than `width` ends with `+`. */
export function topTable(rows: readonly TopRow[], nowMs: number, width = Infinity): string {
  const sorted = rows.toSorted((a, b) => (b.hostCpuPercent ?? 0) - (a.hostCpuPercent ?? 0));
  const lines = sorted.map((usage) => line(cellsOf(usage, nowMs), usage.name ?? '-', width));
  return `${[
    line(
      COLUMNS.map(([name]) => name),
      'NAME',
      width,
    ),
    ...lines,
  ].join('\n')}\n`;
}

/** Reads this machine's KSM while the bench runs the throttler on it. The settings have to be the same afterwards. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sysfs } from '../packages/ksm-throttler/src/kernel/attributes.ts';
import { Ksm } from '../packages/ksm-throttler/src/kernel/ksm.ts';
import { ksmdSeconds } from '../packages/ksm-throttler/src/kernel/ksmd-time.ts';
import { readRecord, recordPath } from '../packages/ksm-throttler/src/status/record-file.ts';
import { until } from '../tests/support/until.ts';

const KSM = '/sys/kernel/mm/ksm';
const daemon = join(import.meta.dirname, '../packages/runtime/dist/libexec/kata-ksm-throttler/kata-ksm-throttler');
const MIB = 1 << 20;

export interface Sample {
  readonly seconds: number;
  readonly mode: string;
  /** Pages that KSM freed, without and with the kernel's bookkeeping deducted. */
  readonly savedMiB: number;
  readonly profitMiB: number;
  readonly ksmdSeconds: number;
  /** MemAvailable of the host: a check of the counters. */
  readonly availableMiB: number;
}

const ksm = new Ksm(new Sysfs(KSM), () => '');

/** Starts a scan, in which the kernel drops the merged pages of earlier guests from its counters. @throws Error if pages stay merged */
export async function dropStaleMerges(): Promise<void> {
  const before = ksm.values();
  ksm.restore({ ...before, run: '1' });
  try {
    await until('KSM has no merged pages (no other program may use KSM during the measurement)', () => ksm.merged().saved === 0);
  } finally {
    ksm.restore(before);
  }
}

/** Every writable setting by name. */
export function ksmSettings(): Record<string, string> {
  const read = (name: string): string => readFileSync(join(KSM, name), 'latin1').trim();
  const counters = /^(pages_(?!to_scan)|full_scans|general_profit|ksm_zero_pages|stable_node_(chains|dups)$)/;
  return Object.fromEntries(
    readdirSync(KSM)
      .filter((name) => !counters.test(name))
      .map((name) => [name, read(name)]),
  );
}

export function sample(startMs: number, throttler: Throttler | undefined): Sample {
  const { saved, profitBytes = saved * 4096 } = ksm.merged();
  const available = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  return {
    seconds: (performance.now() - startMs) / 1000,
    mode: throttler?.mode ?? 'off',
    savedMiB: (saved * 4096) / MIB,
    profitMiB: profitBytes / MIB,
    ksmdSeconds: ksmdSeconds('/proc') ?? NaN,
    availableMiB: Number(available) / 1024,
  };
}

/** The shipped daemon on this machine's KSM, with a private socket. */
export class Throttler {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kata-ksm-'));
  readonly #socket = join(this.#directory, 'ksm.sock');
  readonly #daemon: ChildProcess;

  constructor(flags: readonly string[]) {
    if (!existsSync(daemon)) throw new Error(`${daemon} is missing: run "nx run-many -t build"`);
    this.#daemon = spawn(daemon, ['-log', 'warn', '-uri', this.#socket, ...flags], { stdio: ['ignore', 'inherit', 'inherit'] });
  }

  async ready(): Promise<this> {
    await until('the throttler listens', () => existsSync(this.#socket));
    return this;
  }

  get mode(): string {
    return readRecord(recordPath(this.#socket))?.mode ?? 'none';
  }

  async stop(): Promise<void> {
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
    rmSync(this.#directory, { recursive: true });
  }
}

/** Takes over from a previous daemon. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { KsmValues } from '../kernel/tuning-plan.ts';
import { readRecord, removeRecord } from '../status/record-file.ts';
import type { DaemonHost } from './host.ts';

/**
 * The host's own values: the values that a killed daemon saved, which are restored at once, or else the kernel's current values.
 * @throws KataError while another daemon runs: two daemons would restore each other's values
 */
export function takeOver({ ksm, recordPath, dryRun, socket }: DaemonHost): { initial: KsmValues; wasKilled: boolean } {
  const record = readRecord(recordPath);
  if (record && isAlive(record)) throw new KataError(`kata-ksm-throttler already runs on ${socket}: pid ${record.pid}`);
  if (!record) return { initial: ksm.values(), wasKilled: false };
  ksm.restore(record.initial);
  if (!dryRun) removeRecord(recordPath);
  return { initial: record.initial, wasKilled: true };
}

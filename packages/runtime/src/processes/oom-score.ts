/** The OOM score adjustment of processes on the host (oom_score_adj, proc(5)). */
import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** The OOM killer takes a process with this score before all others. */
export const FIRST_VICTIM = 1000;

export const ownOomScore = (): number => Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));

/**
 * Sets the score of each process. A score below the lowest one that a privileged process has set needs CAP_SYS_RESOURCE: without it the
 * process keeps its score, and the log has a warning.
 */
export function setOomScore(pids: readonly number[], score: number, log: Pick<Logger, 'warn'>): void {
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
    } catch (error) {
      log.warn('the OOM score of a process is not set', { pid, score, reason: errorMessage(error) });
    }
  }
}

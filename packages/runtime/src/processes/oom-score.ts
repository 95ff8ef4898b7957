/** Sets the OOM score adjustment of processes on the host: config.json's `process.oomScoreAdj` (oom_score_adj, proc(5)). */
import { writeFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/**
 * Sets the score of each process, also to 0: a process of the engine inherits the engine's low score. Without a score nothing is changed. A
 * lower score than the runtime's own needs CAP_SYS_RESOURCE: without it the process keeps its score, and the log has a warning.
 */
export function setOomScore(pids: readonly number[], score: number | undefined, log: Pick<Logger, 'warn'>): void {
  if (score === undefined) return;
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
    } catch (error) {
      log.warn('oomScoreAdj of config.json is not set', { pid, reason: errorMessage(error) });
    }
  }
}

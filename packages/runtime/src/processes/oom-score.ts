/** How much the host's OOM killer prefers a process: config.json's `process.oomScoreAdj` (oom_score_adj, proc(5)). */
import { writeFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/**
 * Of each process, 0 too: one that the engine starts has the engine's own score, by which it would outlive everything. Without a score nothing
 * is changed. A lower score than the runtime's own needs CAP_SYS_RESOURCE: without it the process keeps its score, and the log has a warning.
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

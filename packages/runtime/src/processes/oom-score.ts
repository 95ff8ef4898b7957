/** The OOM score adjustment of processes on the host (oom_score_adj, proc(5)). */
import { readFileSync, writeFileSync } from 'node:fs';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** The OOM killer takes a process with this score before all others. */
export const FIRST_VICTIM = 1000;

/** The OOM killer never takes a process with this score. */
const NO_VICTIM = -1000;

/** The score of this process before `surviveOomKiller`. */
let inheritedScore: number | undefined;

/** The score that this process was started with. */
export const ownOomScore = (): number => inheritedScore ?? Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));

/**
 * Keeps the OOM killer from this process, which would leave what it has created behind. To be called before it enters a cgroup that may
 * have a memory limit: there QEMU and kata-proxy are the first victims, but they may release their memory too late, and the OOM killer takes
 * another process. The children of this process inherit the score: `inheritOomScore` sets it back. Without CAP_SYS_RESOURCE nothing changes.
 */
export function surviveOomKiller(log: Pick<Logger, 'debug'>): void {
  if (inheritedScore !== undefined) return;
  try {
    const score = ownOomScore();
    writeFileSync('/proc/self/oom_score_adj', String(NO_VICTIM));
    inheritedScore = score;
  } catch (error) {
    log.debug('the OOM killer may take kata-runtime', { reason: errorMessage(error) });
  }
}

/** Gives a child the score that it has without `surviveOomKiller`. A child that has ended has no score. */
export function inheritOomScore(pid: number): void {
  if (inheritedScore === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(inheritedScore));
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) throw error;
  }
}

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

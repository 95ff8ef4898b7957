/** Gives a clone its own random numbers and the current time. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { randomBytes } from '@kata-containers/common/random/random-bytes';

/** Bytes of fresh entropy for a clone (1.x's). */
const ENTROPY_BYTES = 512;

/**
 * A clone starts with the random state and the clock of its template: both are replaced before a process of the container runs. @throws
 * AgentError
 */
export async function reseedClone(agent: AgentConnection, deadlineMs?: number): Promise<void> {
  const now = Date.now();
  const time = { Sec: BigInt(Math.floor(now / 1000)), Usec: BigInt((now % 1000) * 1000) };
  const options = deadlineMs === undefined ? {} : { deadlineMs };
  await Promise.all([
    agent.call('reseedRandomDev', { data: randomBytes(ENTROPY_BYTES) }, options),
    agent.call('setGuestDateTime', time, options),
  ]);
}

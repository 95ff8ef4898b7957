/** `events`: a container's statistics, periodically until it ends, and OOM events. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { ContainerNotFoundError } from '@kata-containers/common/errors/kata-error';
import { LONGEST_TIMER_MS } from '@kata-containers/common/process/longest-timer';
import { statsMessage } from '../agent/stats-message.ts';
import { callGuest } from './call-guest.ts';
import { currentState } from '../state/container-status.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import { containersOf, requireContainer } from '../state/state-store.ts';

export interface ContainerEvent {
  readonly type: 'stats' | 'oom';
  readonly id: string;
  readonly data?: object;
}

type Emit = (event: ContainerEvent) => void;

async function stats(agent: AgentConnection, id: string): Promise<ContainerEvent> {
  const { cgroup_stats } = await agent.call('statsContainer', { container_id: id });
  return { type: 'stats', id, ...(cgroup_stats && { data: statsMessage(cgroup_stats) }) };
}

/** @throws ContainerNotFoundError, StateError, AgentError */
export async function containerStats(id: string): Promise<ContainerEvent> {
  const { sandbox } = loadContainerFor('events', id);
  return callGuest(sandbox, (agent) => stats(agent, id));
}

function hasEnded(id: string): boolean {
  try {
    return currentState(requireContainer(id).record) === 'stopped';
  } catch (error) {
    if (error instanceof ContainerNotFoundError) return true;
    throw error;
  }
}

/** Limits the rate of events: the guest must not flood the output. */
const OOM_PAUSE_MS = 50;

/**
 * The agent sends each event of the sandbox to one caller only: events of a pod's other containers are emitted too, or they would be lost.
 * Events of unknown containers are ignored.
 */
async function followOom(agent: AgentConnection, sandboxId: string, signal: AbortSignal, emit: Emit): Promise<void> {
  while (!signal.aborted) {
    const { container_id } = await agent.call('getOOMEvent', {}, { deadlineMs: 'none' });
    if (containersOf(sandboxId).includes(container_id)) emit({ type: 'oom', id: container_id });
    await sleep(OOM_PAUSE_MS);
  }
}

/** Returns when the container has ended. @throws ContainerNotFoundError, StateError, AgentError */
export async function followContainer(id: string, intervalMs: number, emit: Emit): Promise<void> {
  const { sandbox, sandboxId } = loadContainerFor('events', id);
  const done = new AbortController();
  await callGuest(sandbox, async (agent) => {
    followOom(agent, sandboxId, done.signal, emit).catch(() => {}); // the guest has ended or does not support the call: statistics continue
    try {
      for (;;) {
        await sleep(Math.min(intervalMs, LONGEST_TIMER_MS));
        if (hasEnded(id)) return;
        emit(await stats(agent, id));
      }
    } catch (error) {
      if (!hasEnded(id)) throw error;
    } finally {
      done.abort();
    }
  });
}

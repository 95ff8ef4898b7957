/** Loads a container and its sandbox for a verb, and checks that its state allows the verb. */
import { currentState } from './container-status.ts';
import { stateAfter } from './lifecycle.ts';
import type { ContainerState, Operation } from './lifecycle.ts';
import type { ContainerRecord, SandboxState } from './state.ts';
import { loadSandbox, requireContainer } from './state-store.ts';

export interface FoundContainer {
  readonly sandboxId: string;
  readonly record: ContainerRecord;
  readonly sandbox: SandboxState;
  /** The container's state after the verb. */
  readonly afterwards: ContainerState;
}

/** @throws ContainerNotFoundError, StateError */
export function loadContainerFor(verb: Operation, id: string): FoundContainer {
  const { sandboxId, record } = requireContainer(id);
  return { sandboxId, record, sandbox: loadSandbox(sandboxId), afterwards: stateAfter(verb, id, currentState(record)) };
}

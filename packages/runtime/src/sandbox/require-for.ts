/** A container in a state that a verb works in, with its sandbox: how most verbs begin. */
import { currentState } from './container-status.ts';
import { checkVerb } from './lifecycle.ts';
import type { SandboxState, ContainerRecord } from './state.ts';
import { loadSandbox, requireContainer } from './state-store.ts';

export interface FoundContainer {
  readonly sandboxId: string;
  readonly record: ContainerRecord;
  readonly sandbox: SandboxState;
}

/** @throws ContainerNotFoundError, StateError */
export function requireFor(verb: Parameters<typeof checkVerb>[0], id: string): FoundContainer {
  const { sandboxId, record } = requireContainer(id);
  checkVerb(verb, id, currentState(record));
  return { sandboxId, record, sandbox: loadSandbox(sandboxId) };
}

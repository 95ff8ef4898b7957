/** The life cycle of a container as a table of verbs: the states in which each is allowed, and the state after it. Pure. */
import { StateError } from '@kata-containers/common/errors/kata-error';

/** 1.x's names; `ready` is what OCI calls created. */
export type ContainerState = 'ready' | 'running' | 'paused' | 'stopped';

interface Rule {
  readonly works: readonly ContainerState[];
  /** The state after the verb; by default the state does not change. */
  readonly becomes?: ContainerState;
  /** 1.x's error text when the verb is not allowed; engines match some of them. */
  readonly refusal: (id: string, state: ContainerState) => string;
}

/** `kill` and `delete` are allowed in every state. */
const rules = {
  start: { works: ['ready'], becomes: 'running', refusal: (_id, state) => `Can not move from ${state} to running` },
  pause: { works: ['running'], becomes: 'paused', refusal: () => 'Container not running, impossible to pause' },
  resume: { works: ['paused'], becomes: 'running', refusal: () => 'Container not paused, impossible to resume' },
  exec: {
    works: ['ready', 'running'],
    refusal: (id, state) =>
      state === 'paused'
        ? `Container ${id} is paused: 'kata-runtime resume ${id}' resumes the container`
        : `Container ${id} is not ready or running`,
  },
  // 1.x demands a running container; with runc, docker shows the processes of a paused one, too.
  ps: { works: ['running', 'paused'], refusal: (id) => `Container ${id} is not running` },
  events: { works: ['running', 'paused'], refusal: (id) => `container with id ${id} is not running` },
  update: {
    works: ['ready', 'running', 'paused'],
    refusal: (id, state) => `Container ${id} is not running or Ready, the state is ${state}`,
  },
  network: { works: ['running'], refusal: (id) => `container ${id} is not running` },
} satisfies Record<string, Rule>;

export type Operation = keyof typeof rules;

/** The state after the verb. @throws StateError when the verb is not allowed in state `from` */
export function stateAfter(verb: Operation, id: string, from: ContainerState): ContainerState {
  const { works, becomes = from, refusal }: Rule = rules[verb];
  if (!works.includes(from)) throw new StateError(refusal(id, from));
  return becomes;
}

/** The OCI specification's name of the state (runtime.md, "State"). */
export const ociStatus = (state: ContainerState): string => (state === 'ready' ? 'created' : state);

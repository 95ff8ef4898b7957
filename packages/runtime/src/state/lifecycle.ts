/** The life cycle of a container, as one table of verbs: the states that each works in, and the state that it leads to. Pure. */
import { StateError } from '@kata-containers/common/errors/kata-error';

/** 1.x's names; `ready` is what OCI calls created. */
export type ContainerState = 'ready' | 'running' | 'paused' | 'stopped';

interface Rule {
  readonly works: readonly ContainerState[];
  /** The state afterwards; without it, the same. */
  readonly becomes?: ContainerState;
  /** 1.x's words where it does not work; engines look for some of them. */
  readonly refusal: (id: string, state: ContainerState) => string;
}

/** `kill` and `delete` work in every state, and decide for themselves what that means. */
const rules = {
  start: { works: ['ready'], becomes: 'running', refusal: (_id, state) => `Can not move from ${state} to running` },
  pause: { works: ['running'], becomes: 'paused', refusal: () => 'Container not running, impossible to pause' },
  resume: { works: ['paused'], becomes: 'running', refusal: () => 'Container not paused, impossible to resume' },
  exec: {
    works: ['ready', 'running'],
    refusal: (id, state) =>
      state === 'paused'
        ? `Container ${id} is paused: 'kata-runtime resume ${id}' lets it go on`
        : `Container ${id} is not ready or running`,
  },
  // 1.x wants it running; with runc, docker shows the processes of a paused container too.
  ps: { works: ['running', 'paused'], refusal: (id) => `Container ${id} is not running` },
  events: { works: ['running', 'paused'], refusal: (id) => `container with id ${id} is not running` },
  update: {
    works: ['ready', 'running', 'paused'],
    refusal: (id, state) => `Container ${id} is not running or Ready, the state is ${state}`,
  },
  network: { works: ['running'], refusal: (id) => `container ${id} is not running` },
} satisfies Record<string, Rule>;

export type Operation = keyof typeof rules;

/** The state that the container has after the verb. @throws StateError when the verb does not work in state `from` */
export function stateAfter(verb: Operation, id: string, from: ContainerState): ContainerState {
  const { works, becomes = from, refusal }: Rule = rules[verb];
  if (!works.includes(from)) throw new StateError(refusal(id, from));
  return becomes;
}

/** The word of the OCI specification (runtime.md, "State"). */
export const ociStatus = (state: ContainerState): string => (state === 'ready' ? 'created' : state);

/** The life cycle of a container, as tables: what may follow a state, and which verb works in which. Pure. */
import { StateError } from '@kata-containers/common/errors/kata-error';

/** 1.x's names; `ready` is what OCI calls created. */
export type ContainerState = 'ready' | 'running' | 'paused' | 'stopped';

const transitions: Record<ContainerState, readonly ContainerState[]> = {
  ready: ['running', 'stopped'],
  running: ['paused', 'stopped'],
  paused: ['running', 'stopped'],
  stopped: [],
};

interface Rule {
  readonly works: readonly ContainerState[];
  /** 1.x's words where it does not work; engines look for some of them. */
  readonly refusal: (id: string, state: ContainerState) => string;
}

const rules = {
  pause: { works: ['running'], refusal: () => 'Container not running, impossible to pause' },
  resume: { works: ['paused'], refusal: () => 'Container not paused, impossible to resume' },
  exec: { works: ['ready', 'running'], refusal: (id) => `Container ${id} is not ready or running` },
  // 1.x wants it running; with runc, docker shows the processes of a paused container too.
  ps: { works: ['running', 'paused'], refusal: (id) => `Container ${id} is not running` },
  events: { works: ['running', 'paused'], refusal: (id) => `container with id ${id} is not running` },
  update: {
    works: ['ready', 'running', 'paused'],
    refusal: (id, state) => `Container ${id} is not running or Ready, the state is ${state}`,
  },
  network: { works: ['running'], refusal: (id) => `container ${id} is not running` },
  overhead: { works: ['running', 'paused'], refusal: (id) => `container with id ${id} is not running` },
} satisfies Record<string, Rule>;

/** @throws StateError when a container in state `from` cannot become `to` */
export function checkTransition(from: ContainerState, to: ContainerState): void {
  if (!transitions[from].includes(to)) throw new StateError(`Can not move from ${from} to ${to}`);
}

/** @throws StateError when the verb does not work on a container in this state */
export function checkVerb(verb: keyof typeof rules, id: string, state: ContainerState): void {
  const { works, refusal }: Rule = rules[verb];
  if (!works.includes(state)) throw new StateError(refusal(id, state));
}

/** The word of the OCI specification (runtime.md, "State"). */
export const ociStatus = (state: ContainerState): string => (state === 'ready' ? 'created' : state);

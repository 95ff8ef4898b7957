/** The life cycle of a container, as one table. Pure. */
import { StateError } from '@kata-containers/common/errors/kata-error';

/** 1.x's names; `ready` is what OCI calls created. */
export type ContainerState = 'ready' | 'running' | 'paused' | 'stopped';

const transitions: Record<ContainerState, readonly ContainerState[]> = {
  ready: ['running', 'stopped'],
  running: ['paused', 'stopped'],
  paused: ['running', 'stopped'],
  stopped: [],
};

/** @throws StateError when a container in state `from` cannot become `to` */
export function checkTransition(from: ContainerState, to: ContainerState): void {
  if (!transitions[from].includes(to)) throw new StateError(`Can not move from ${from} to ${to}`);
}

/** The word of the OCI specification (runtime.md, "State"). */
export const ociStatus = (state: ContainerState): string => (state === 'ready' ? 'created' : state);

/** A container's state as it is now: what is on disk, corrected by whether its shim still runs. Changes nothing. */
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ContainerState } from './lifecycle.ts';
import type { ContainerRecord } from './state.ts';

export const currentState = ({ State, Process }: ContainerRecord): ContainerState => (isAlive(Process.Shim) ? State : 'stopped');

/** A container's current state: the saved one, or stopped when its shim has ended. Changes nothing. */
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ContainerState } from './lifecycle.ts';
import type { ContainerRecord } from './state.ts';

export const currentState = ({ State, Process }: ContainerRecord): ContainerState => (isAlive(Process.Shim) ? State : 'stopped');

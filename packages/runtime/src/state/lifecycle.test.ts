import assert from 'node:assert/strict';
import { ociStatus, stateAfter } from './lifecycle.ts';
import type { ContainerState, Operation } from './lifecycle.ts';

const states: ContainerState[] = ['ready', 'running', 'paused', 'stopped'];

function outcome(verb: Operation, from: ContainerState): string {
  try {
    return stateAfter(verb, 'X', from);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : '';
  }
}

describe('stateAfter', () => {
  const cases: [verb: Operation, works: Partial<Record<ContainerState, ContainerState>>, refusal: (state: ContainerState) => string][] = [
    ['start', { ready: 'running' }, (state) => `Can not move from ${state} to running`],
    ['pause', { running: 'paused' }, () => 'Container not running, impossible to pause'],
    ['resume', { paused: 'running' }, () => 'Container not paused, impossible to resume'],
    [
      'exec',
      { ready: 'ready', running: 'running' },
      (state) => `Container X is ${state === 'paused' ? "paused: 'kata-runtime resume X' resumes the container" : 'not ready or running'}`,
    ],
    ['ps', { running: 'running', paused: 'paused' }, () => 'Container X is not running'],
    ['events', { running: 'running', paused: 'paused' }, () => 'container with id X is not running'],
    [
      'update',
      { ready: 'ready', running: 'running', paused: 'paused' },
      (state) => `Container X is not running or Ready, the state is ${state}`,
    ],
    ['network', { running: 'running' }, () => 'container X is not running'],
  ];
  for (const [verb, works, refusal] of cases) {
    for (const from of states)
      it(`${verb} of a container that is ${from}`, () => assert.equal(outcome(verb, from), works[from] ?? `StateError: ${refusal(from)}`));
  }
});

describe('ociStatus', () => {
  it('is the status of the OCI specification', () => assert.deepEqual(states.map(ociStatus), ['created', 'running', 'paused', 'stopped']));
});

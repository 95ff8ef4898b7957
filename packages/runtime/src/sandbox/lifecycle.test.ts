import assert from 'node:assert/strict';
import { checkTransition, checkVerb, ociStatus } from './lifecycle.ts';
import type { ContainerState } from './lifecycle.ts';

const states: ContainerState[] = ['ready', 'running', 'paused', 'stopped'];
const succeeds = (act: () => void): boolean => {
  try {
    act();
    return true;
  } catch {
    return false;
  }
};

describe('checkTransition', () => {
  const table: Record<ContainerState, ContainerState[]> = {
    ready: ['running', 'stopped'],
    running: ['paused', 'stopped'],
    paused: ['running', 'stopped'],
    stopped: [],
  };
  for (const from of states) {
    it(`from ${from}`, () =>
      assert.deepEqual(
        states.filter((to) => succeeds(() => checkTransition(from, to))),
        table[from].toSorted((a, b) => states.indexOf(a) - states.indexOf(b)),
      ));
  }
  it('says what cannot be', () =>
    assert.throws(() => checkTransition('stopped', 'paused'), /^StateError: Can not move from stopped to paused$/));
});

describe('checkVerb', () => {
  const cases: [verb: Parameters<typeof checkVerb>[0], works: ContainerState[], refused: ContainerState, text: string][] = [
    ['pause', ['running'], 'paused', 'Container not running, impossible to pause'],
    ['resume', ['paused'], 'ready', 'Container not paused, impossible to resume'],
    ['exec', ['ready', 'running'], 'paused', 'Container X is not ready or running'],
    ['ps', ['running', 'paused'], 'ready', 'Container X is not running'],
    ['events', ['running', 'paused'], 'stopped', 'container with id X is not running'],
    ['update', ['ready', 'running', 'paused'], 'stopped', 'Container X is not running or Ready, the state is stopped'],
    ['network', ['running'], 'stopped', 'container X is not running'],
  ];
  for (const [verb, works, refused, text] of cases) {
    it(verb, () => {
      assert.deepEqual(
        states.filter((state) => succeeds(() => checkVerb(verb, 'X', state))),
        works,
      );
      assert.throws(() => checkVerb(verb, 'X', refused), { name: 'StateError', message: text });
    });
  }
});

describe('ociStatus', () => {
  it("is OCI's word", () => assert.deepEqual(states.map(ociStatus), ['created', 'running', 'paused', 'stopped']));
});

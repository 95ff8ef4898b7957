import assert from 'node:assert/strict';
import { firstContainer, isFirstContainer, sandboxName } from './sandbox-name.ts';

describe('names of sandboxes', () => {
  it('the first sandbox of a container has the name of the container', () => assert.equal(sandboxName('c', 1), 'c'));
  it('a further sandbox has a number', () => assert.equal(sandboxName('c', 2), 'c~2'));
  for (const [sandbox, first] of [
    ['c', 'c'],
    ['c~2', 'c'],
    ['a-2', 'a-2'],
  ] as const)
    it(`the first container of ${sandbox} is ${first}`, () => assert.equal(firstContainer(sandbox), first));
  it('other names have no first container', () =>
    assert.deepEqual([isFirstContainer('c~2', 'c~2'), isFirstContainer('pod', 'c')], [false, false]));
});

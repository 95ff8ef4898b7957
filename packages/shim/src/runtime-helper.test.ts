import assert from 'node:assert/strict';
import { closeSync, readSync, writeSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { silentLogger } from '@kata-containers/common/logging/logger';
import { RuntimeHelper } from './runtime-helper.ts';

describe('RuntimeHelper', () => {
  const cases: [name: string, isNamed: boolean, requests: string, answers: string][] = [
    ['answers with a name, in any order', true, 'named network\nnamed oom\n', 'oom 3\nnetwork 0\n'],
    ['answers without a name, in the order of the requests', false, 'network\noom\n', '0\n3\n'],
    ['answers to no call are ignored', true, 'named network\nnamed oom\n', 'other 7\noom 3\noom 8\nnetwork 0\n9\n'],
  ];
  for (const [name, isNamed, requests, answers] of cases)
    it(name, async () => {
      const [own, other] = linuxKernel.socketPair();
      const helper = new RuntimeHelper(own, isNamed, silentLogger);
      const codes = Promise.all([helper.run('network'), helper.run('oom')]);
      const bytes = Buffer.alloc(requests.length);
      for (let count = 0; count < bytes.length;) count += readSync(other, bytes, { offset: count });
      assert.equal(bytes.toString(), requests);
      writeSync(other, answers);
      assert.deepEqual(await codes, [0, 3]);
      closeSync(other);
    });
  it('a helper that ends answers no call', async () => {
    const [own, other] = linuxKernel.socketPair();
    const helper = new RuntimeHelper(own, true, silentLogger);
    const code = helper.run('oom');
    closeSync(other);
    assert.equal(await code, undefined);
    assert.equal(await helper.run('oom'), undefined);
  });
});

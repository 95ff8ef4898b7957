import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { tellable } from './tellable.ts';

describe('tellable', () => {
  it("the kernel's sentence is left out", () => {
    const read = (path: string): unknown => {
      try {
        return readFileSync(path);
      } catch (error) {
        return tellable(error);
      }
    };
    assert.equal(errorMessage(read('/missing')), "open '/missing' failed (ENOENT)");
    assert.equal(errorMessage(read('/etc/passwd/x')), "open '/etc/passwd/x' failed (ENOTDIR)");
  });

  for (const error of [new KernelError('mount', 16, 'EBUSY', 'of /x'), new Error('ENOENT: no such file, x'), 'a string'])
    it(`others stay as they are: ${errorMessage(error)}`, () => assert.equal(tellable(error), error));
});

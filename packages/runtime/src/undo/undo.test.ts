import assert from 'node:assert/strict';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { undoAll } from './undo.ts';

/** Mount points of every host; nothing is unmounted here. */
const busy = (['/proc', '/sys', '/dev'] as const).flatMap((path) => Array.from({ length: 10 }, () => ({ undo: 'unmount', path }) as const));

describe('undo steps on the host', () => {
  let tries = 0;
  const refuse = {
    umount: (path: string): void => {
      tries++;
      throw new KernelError('umount2', 16, 'EBUSY', path);
    },
    setns: () => assert.fail('no namespace is entered'),
  };
  beforeEach(() => (tries = 0));

  it('share one timeout for busy mounts, and try and report each mount', async () => {
    const begun = performance.now();
    const failures = await undoAll(busy, refuse, 200);
    assert.equal(failures.length, busy.length);
    for (const failure of failures) assert.match(failure, /^umount2 \S+ failed \(EBUSY\)$/);
    assert.ok(tries > busy.length, 'the first is waited for');
    assert.ok(performance.now() - begun < 1000);
  });

  it('do not wait for a mount that cannot be unmounted for another reason', async () => {
    const deny = {
      ...refuse,
      umount: (path: string): void => {
        tries++;
        throw new KernelError('umount2', 1, 'EPERM', path);
      },
    };
    assert.equal((await undoAll(busy, deny, 200)).length, busy.length);
    assert.equal(tries, busy.length);
  });
});

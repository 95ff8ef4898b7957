import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { bind, functionAddress, lastErrno } from './ffi.ts';

describe('functionAddress', () => {
  it('is the address of a C function', () => {
    assert.ok(functionAddress('eventfd_write') > 0n);
    assert.notEqual(functionAddress('eventfd_write'), functionAddress('eventfd_read'));
  });
});

describe('lastErrno', () => {
  it('is the errno of the failed call after the engine has made other system calls', () => {
    const libc = bind({ fchdir: ['int32'], getpid: [] });
    assert.equal(libc.fchdir(-1), -1);
    assert.equal(existsSync('/missing'), false); // ENOENT
    assert.equal(libc.getpid(), process.pid);
    assert.equal(lastErrno(), constants.errno.EBADF);
  });
});

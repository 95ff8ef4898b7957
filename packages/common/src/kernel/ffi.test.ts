import assert from 'node:assert/strict';
import { functionAddress } from './ffi.ts';

describe('functionAddress', () => {
  it('is the address of a C function', () => {
    assert.ok(functionAddress('eventfd_write') > 0n);
    assert.notEqual(functionAddress('eventfd_write'), functionAddress('eventfd_read'));
  });
});

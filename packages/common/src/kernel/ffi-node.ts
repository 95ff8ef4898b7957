/** Calls the C library through node:ffi. The first call loads the module, which takes two megabytes. */
import type Ffi from 'node:ffi';
import type { ForeignFunction, ForeignFunctions } from './foreign-functions.ts';

interface ErrnoFunctions {
  __errno_location(): bigint;
  strerrorname_np(errno: number): bigint;
}

let loaded: typeof Ffi | undefined;
let errnoFunctions: ErrnoFunctions | undefined;

function ffi(): typeof Ffi {
  // The default export of node:ffi is the module itself.
  loaded ??= process.getBuiltinModule('node:ffi') as unknown as typeof Ffi;
  return loaded;
}

function errnoCalls(): ErrnoFunctions {
  errnoFunctions ??= ffi().dlopen(null, {
    __errno_location: { arguments: [], return: 'pointer' },
    strerrorname_np: { arguments: ['int32'], return: 'pointer' },
  } as never).functions as unknown as ErrnoFunctions;
  return errnoFunctions;
}

export const nodeFunctions: ForeignFunctions = {
  lookUp(signatures) {
    const table = Object.entries(signatures).map(([name, types]) => [name, { arguments: types, return: 'int32' }]);
    return ffi().dlopen(null, Object.fromEntries(table) as never).functions as unknown as Record<string, ForeignFunction>;
  },
  errno: () => new Int32Array(ffi().toArrayBuffer(errnoCalls().__errno_location(), 4, false)),
  errnoName: (number) => ffi().toString(errnoCalls().strerrorname_np(number)) ?? undefined,
  address: (buffer) => ffi().getRawPointer(buffer),
  functionAddress: (name) => ffi().dlopen(null).lib.getSymbol(name),
};

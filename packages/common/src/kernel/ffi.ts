/**
 * C library functions through node:ffi. Each foreign call site cites its man page; arguments are checked by the types of
 * the table it is declared in, and by the caller for lengths.
 */
import type Ffi from 'node:ffi';
import { KernelError } from '../errors/kata-error.ts';

type Argument = 'int32' | 'uint32' | 'uint64' | 'int64' | 'string' | 'pointer';
type Value<T extends Argument> = T extends 'int32' | 'uint32'
  ? number
  : T extends 'string'
    ? string
    : T extends 'pointer'
      ? Buffer | null
      : bigint;
type Values<T extends readonly Argument[]> = { [K in keyof T]: Value<T[K]> };

export type Signatures = Readonly<Record<string, readonly Argument[]>>;
export type Functions<S extends Signatures> = { [K in keyof S]: (...values: Values<S[K]>) => number };

let loaded: typeof Ffi | undefined;

/** node:ffi, when it is first needed: two megabytes that a process without a Linux call of ours does not pay. */
function ffi(): typeof Ffi {
  // Its default export is the module itself.
  loaded ??= process.getBuiltinModule('node:ffi') as unknown as typeof Ffi;
  return loaded;
}

/** Looks C functions that return int up in the process' own libraries, at the first call of one of them. */
export function bind<const S extends Signatures>(signatures: S): Functions<S> {
  const table = Object.entries(signatures).map(([name, types]) => [name, { arguments: types, return: 'int32' }]);
  let found: Functions<S> | undefined;
  const find = (): Functions<S> => {
    errno(); // looked up before the call: afterwards the look-up would spoil errno
    found ??= ffi().dlopen(null, Object.fromEntries(table) as never).functions as unknown as Functions<S>;
    return found;
  };
  const call =
    (name: keyof S) =>
    (...values: never[]) =>
      (find()[name] as (...given: never[]) => number)(...values);
  return Object.fromEntries(Object.keys(signatures).map((name) => [name, call(name)])) as unknown as Functions<S>;
}

interface ErrnoFunctions {
  __errno_location(): bigint;
  strerrorname_np(errno: number): bigint;
}

let errnoFunctions: ErrnoFunctions | undefined;

function errno(): ErrnoFunctions {
  errnoFunctions ??= ffi().dlopen(null, {
    __errno_location: { arguments: [], return: 'pointer' },
    strerrorname_np: { arguments: ['int32'], return: 'pointer' },
  } as never).functions as unknown as ErrnoFunctions;
  return errnoFunctions;
}

/** errno of the foreign call just made: nothing may run in between. */
export function lastErrno(): number {
  return ffi().getInt32(errno().__errno_location(), 0);
}

/** errno's name, as errno(3) spells it. */
export function errnoName(number: number): string {
  return ffi().toString(errno().strerrorname_np(number)) ?? `errno ${number}`;
}

/** Passes a result on, or throws KernelError when it is the -1 of a failed call. `detail` says on what the call was made. */
export function check(result: number, syscall: string, detail: string): number {
  if (result !== -1) return result;
  const number = lastErrno();
  throw new KernelError(syscall, number, errnoName(number), detail);
}

/** The address of a buffer, for pointers inside structures. The buffer must stay reachable while the kernel may follow it. */
export function address(buffer: Buffer): bigint {
  return ffi().getRawPointer(buffer);
}

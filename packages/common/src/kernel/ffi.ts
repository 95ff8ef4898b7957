/**
 * Calls functions of the C library through the FFI module of the JS engine (bun:ffi or node:ffi). Each file with foreign calls cites the
 * man pages. The types of the function table check the arguments; the caller checks the lengths of buffers.
 */
import { KernelError } from '../errors/kata-error.ts';
import { isBun } from '../process/engine.ts';
import { bunFunctions } from './ffi-bun.ts';
import { nodeFunctions } from './ffi-node.ts';
import type { Argument, Signatures } from './foreign-functions.ts';

type Value<T extends Argument> = T extends 'int32' | 'uint32'
  ? number
  : T extends 'string'
    ? string
    : T extends 'pointer'
      ? Buffer | null
      : bigint;
type Values<T extends readonly Argument[]> = { [K in keyof T]: Value<T[K]> };
export type Functions<S extends Signatures> = { [K in keyof S]: (...values: Values<S[K]>) => number };

const foreign = isBun ? bunFunctions : nodeFunctions;

let errno: Int32Array | undefined;
let failure = 0;

/** C functions that return int. The first call of a function looks all of them up. */
export function bind<const S extends Signatures>(signatures: S): Functions<S> {
  let found: ReturnType<typeof foreign.lookUp> | undefined;
  const call =
    (name: string) =>
    (...values: readonly unknown[]) => {
      found ??= foreign.lookUp(signatures);
      const view = (errno ??= foreign.errno());
      const result = found[name]?.(...values);
      // The engine makes system calls of its own, for example when it collects garbage. No code that allocates may run before this line.
      if (result === -1) failure = view[0] ?? 0;
      return result;
    };
  return Object.fromEntries(Object.keys(signatures).map((name) => [name, call(name)])) as unknown as Functions<S>;
}

/** errno of the last call of a function of `bind` that returned -1. */
export const lastErrno = (): number => failure;

/** The name of an errno, as in errno(3). */
export const errnoName = (number: number): string => foreign.errnoName(number) ?? `errno ${number}`;

/** Returns `result`, or throws KernelError when it is -1. `detail` describes the call's argument. */
export function check(result: number, syscall: string, detail: string): number {
  if (result !== -1) return result;
  const number = lastErrno();
  throw new KernelError(syscall, number, errnoName(number), detail);
}

/** The address of a buffer, for pointers inside structures. The buffer must stay reachable while the kernel may follow it. */
export const address = (buffer: Buffer): bigint => foreign.address(buffer);

/** The address of a function of the C library, for structures of callbacks. */
export const functionAddress = (name: string): bigint => foreign.functionAddress(name);

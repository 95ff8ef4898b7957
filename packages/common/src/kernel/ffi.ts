/**
 * C library functions, by whatever the engine has for that. Each foreign call site cites its man page; arguments are checked by the
 * types of the table it is declared in, and by the caller for lengths.
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

/** C functions that return int, looked up at the first call of one of them. */
export function bind<const S extends Signatures>(signatures: S): Functions<S> {
  let found: ReturnType<typeof foreign.lookUp> | undefined;
  const call =
    (name: string) =>
    (...values: readonly unknown[]) => {
      found ??= foreign.lookUp(signatures);
      return found[name]?.(...values);
    };
  return Object.fromEntries(Object.keys(signatures).map((name) => [name, call(name)])) as unknown as Functions<S>;
}

/** errno of the foreign call just made: nothing may run in between. */
export const lastErrno = (): number => foreign.lastErrno();

/** errno's name, as errno(3) spells it. */
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

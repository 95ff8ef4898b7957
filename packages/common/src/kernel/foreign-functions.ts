/** What an engine has for calls of the C library (x86-64, int is 32 bits). */

export type Argument = 'int32' | 'uint32' | 'uint64' | 'int64' | 'string' | 'pointer';
/** Names of C functions that return int, with their arguments. */
export type Signatures = Readonly<Record<string, readonly Argument[]>>;
/** Takes numbers, bigints for 64 bits, strings, and buffers or null for pointers. */
export type ForeignFunction = (...values: readonly unknown[]) => number;

export interface ForeignFunctions {
  /** Looks the functions up in the C library, and what `lastErrno` needs: a look-up after a call would spoil errno. */
  lookUp(signatures: Signatures): Readonly<Record<string, ForeignFunction>>;
  /** errno of the foreign call just made: nothing may run in between. */
  lastErrno(): number;
  /** errno's name, as errno(3) spells it; undefined when it has none. */
  errnoName(number: number): string | undefined;
  /** Valid while the buffer is reachable. */
  address(buffer: Buffer): bigint;
  /** The address of a C function. */
  functionAddress(name: string): bigint;
}

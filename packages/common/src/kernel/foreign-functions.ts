/** Interface to the FFI module of a JS engine (x86-64: int has 32 bits). */

export type Argument = 'int32' | 'uint32' | 'uint64' | 'int64' | 'string' | 'pointer';
/** The argument types of C functions that return int, by name. */
export type Signatures = Readonly<Record<string, readonly Argument[]>>;
/** A C function. Arguments are numbers, bigints (64 bits), strings, and buffers or null (pointers). */
export type ForeignFunction = (...values: readonly unknown[]) => number;

export interface ForeignFunctions {
  lookUp(signatures: Signatures): Readonly<Record<string, ForeignFunction>>;
  /** errno(3) of this thread: one element, a view of the C library's memory. */
  errno(): Int32Array;
  /** The name of an errno, as in errno(3); undefined for a number without a name. */
  errnoName(number: number): string | undefined;
  /** The address of a buffer. It is valid while the buffer is reachable. */
  address(buffer: Buffer): bigint;
  /** The address of a C function. */
  functionAddress(name: string): bigint;
}

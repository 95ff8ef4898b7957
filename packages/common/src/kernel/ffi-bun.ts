/** Calls the C library through bun:ffi. The first call loads the module. */
import type { Argument, ForeignFunction, ForeignFunctions } from './foreign-functions.ts';

interface BunFfi {
  dlopen(
    library: string,
    table: Readonly<Record<string, { readonly args: readonly string[]; readonly returns: string }>>,
  ): { readonly symbols: Readonly<Record<string, ForeignFunction>> };
  ptr(buffer: Uint8Array): number;
  toArrayBuffer(pointer: number, offset: number, length: number): ArrayBuffer;
  readonly CString: new (pointer: number) => object;
}

/** bun:ffi needs the name of a library. glibc and musl have loaded this library already. */
const C_LIBRARY = 'libc.so.6';
const typeNames: Readonly<Record<Argument, string>> = {
  int32: 'i32',
  uint32: 'u32',
  uint64: 'u64',
  int64: 'i64',
  string: 'ptr',
  pointer: 'ptr',
};

let loaded: BunFfi | undefined;
let errnoFunctions: Readonly<Record<'__errno_location' | 'strerrorname_np', ForeignFunction>> | undefined;

function ffi(): BunFfi {
  loaded ??= process.getBuiltinModule('bun:ffi') as unknown as BunFfi;
  return loaded;
}

function errnoCalls(): Readonly<Record<'__errno_location' | 'strerrorname_np', ForeignFunction>> {
  errnoFunctions ??= ffi().dlopen(C_LIBRARY, {
    __errno_location: { args: [], returns: 'ptr' },
    strerrorname_np: { args: ['i32'], returns: 'ptr' },
  }).symbols as Record<'__errno_location' | 'strerrorname_np', ForeignFunction>;
  return errnoFunctions;
}

/** A string with a final zero. The buffer must stay reachable during the call; the arguments of a call are. */
const asC = (value: unknown): unknown => (typeof value === 'string' ? Buffer.from(`${value}\0`) : value);

export const bunFunctions: ForeignFunctions = {
  lookUp(signatures) {
    const table = Object.entries(signatures).map(([name, types]) => [name, { args: types.map((type) => typeNames[type]), returns: 'i32' }]);
    const { symbols } = ffi().dlopen(C_LIBRARY, Object.fromEntries(table) as Parameters<BunFfi['dlopen']>[1]);
    const withStrings = Object.entries(symbols).map(([name, call]) => [
      name,
      signatures[name]?.includes('string') ? (...values: readonly unknown[]) => call(...values.map(asC)) : call,
    ]);
    return Object.fromEntries(withStrings) as Record<string, ForeignFunction>;
  },
  errno: () => new Int32Array(ffi().toArrayBuffer(errnoCalls().__errno_location(), 0, 4)),
  errnoName(number) {
    const name = errnoCalls().strerrorname_np(number);
    return name ? String(new (ffi().CString)(name)) : undefined;
  },
  address: (buffer) => BigInt(ffi().ptr(buffer)),
  functionAddress(name) {
    const { symbols } = ffi().dlopen(C_LIBRARY, { [name]: { args: [], returns: 'i32' } });
    return BigInt((symbols[name] as unknown as { readonly ptr: number }).ptr);
  },
};

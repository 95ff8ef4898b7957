/**
 * A packed program: its text, V8's code for it, and the length of the text (32 bits, little endian). One file, so that the code is never
 * used with another version of the text: V8 compares only the length of the text.
 */
export interface PackedProgram {
  /** A function expression; its parameter gives it Node's own modules. ASCII. */
  readonly text: string;
  readonly code: Buffer;
}

/** Type of the function in the text. */
export type Main = (require: typeof process.getBuiltinModule) => void;

const LENGTH_BYTES = 4;

/** The text of a program that is bundled into one CommonJS file. @throws Error when it is not ASCII */
export function programText(bundle: string): string {
  if (/[^\0-\x7f]/.test(bundle)) throw new Error('a program to be packed must be ASCII: let the bundler escape other characters');
  return `(function (require) {${bundle.replace(/^#!.*/, '')}\n})`;
}

export function pack({ text, code }: PackedProgram): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from(text, 'latin1'), code, length]);
}

export function unpack(packed: Buffer): PackedProgram {
  const end = packed.length - LENGTH_BYTES;
  const length = packed.readUInt32LE(end);
  return { text: packed.toString('latin1', 0, length), code: packed.subarray(length, end) };
}

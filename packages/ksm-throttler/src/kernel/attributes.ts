/** A sysfs directory: one small file for each value. */
import { accessSync, closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

export interface Attributes {
  /** The text without its line feed; undefined when this kernel does not have the attribute. */
  read(name: string): string | undefined;
  /** @throws KataError when the kernel refuses the value */
  write(name: string, value: string): void;
}

export class Sysfs implements Attributes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(name: string): string | undefined {
    try {
      return readFileSync(join(this.#directory, name), 'latin1').trim();
    } catch {
      return undefined;
    }
  }

  write(name: string, value: string): void {
    const path = join(this.#directory, name);
    try {
      const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC); // no O_CREAT: sysfs creates no files
      try {
        writeSync(file, value);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw new KataError(`cannot write "${value}" to ${path}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** @throws KataError with a remedy when one of the attributes is missing or not writable */
  require(names: readonly string[], access: 'read' | 'write'): void {
    for (const name of names) {
      const path = join(this.#directory, name);
      if (this.read(name) === undefined)
        throw new KataError(`KSM is unavailable: ${path} cannot be read: a kernel with CONFIG_KSM and a mounted /sys are needed`);
      if (access === 'write' && !isWritable(path))
        throw new KataError(`KSM is unavailable: ${path} cannot be written: root and a /sys that is mounted read-write are needed`);
    }
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Reports what would be written, and returns these values from then on. */
export class DryRun implements Attributes {
  readonly #inner: Attributes;
  readonly #tell: (name: string, value: string) => void;
  readonly #written = new Map<string, string>();

  constructor(inner: Attributes, tell: (name: string, value: string) => void) {
    this.#inner = inner;
    this.#tell = tell;
  }

  read(name: string): string | undefined {
    return this.#written.get(name) ?? this.#inner.read(name);
  }

  write(name: string, value: string): void {
    this.#written.set(name, value);
    this.#tell(name, value);
  }
}

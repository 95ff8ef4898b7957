/** A sysfs directory: one small file for each value. */
import { accessSync, closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

export interface Attributes {
  /** The text without its line feed; undefined when this kernel does not have it. */
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
      const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC); // no O_CREAT: sysfs makes no files
      try {
        writeSync(file, value);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw new KataError(`${path} does not take "${value}": ${errorMessage(error)}`, { cause: error });
    }
  }

  /** @throws KataError that says what to do, when one of the names is not there or may not be written */
  require(names: readonly string[], access: 'read' | 'write'): void {
    for (const name of names) {
      const path = join(this.#directory, name);
      if (this.read(name) === undefined)
        throw new KataError(`KSM is unavailable: ${path} cannot be read: it takes a kernel with CONFIG_KSM, and /sys mounted`);
      if (access === 'write' && !isWritable(path))
        throw new KataError(`KSM is unavailable: ${path} cannot be written: it takes root, and /sys mounted read-write`);
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

/** Tells what would be written, and from then on answers as if it had been. */
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
